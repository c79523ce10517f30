//! A PostgreSQL's rows kept aside in a schema of their own, and put back: a backup, as far as a relay can tell.

use std::sync::LazyLock;

fn each_table(act: &str) -> String {
    format!(
        "DO $$ DECLARE t text; BEGIN
             FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP {act} END LOOP;
         END $$;"
    )
}

/// Keeps all rows as they are now.
pub static KEEP: LazyLock<String> = LazyLock::new(|| {
    let keep = each_table("EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', t, t);");
    format!("DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept; {keep}")
});

/// Puts them back, whatever names what.
pub static PUT_BACK: LazyLock<String> = LazyLock::new(|| {
    let empty = each_table("EXECUTE format('DELETE FROM public.%I', t);");
    let fill = each_table("EXECUTE format('INSERT INTO public.%I SELECT * FROM kept.%I', t, t);");
    format!("BEGIN; SET LOCAL session_replication_role = replica; {empty} {fill} COMMIT")
});
