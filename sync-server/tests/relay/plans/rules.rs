//! PostgreSQL keeps clinics' plans and usage apart under the program, and an issued invoice as it is.

use sync_server::PlanTerms;

use super::{BY, NAME, list, plan};
use crate::contract::{Home, on_postgres};
use crate::world::{NOW, World, a, b};

#[test]
fn raw_sql_of_one_clinic_reads_its_own_plan_and_usage_and_nobody_elses() {
    on_postgres(|| {
        let mut world = World::new(90);
        list(&mut world, a, NAME);
        list(&mut world, b, "Klinik Bukit");
        plan(&mut world, PlanTerms::default(), NOW);
        world.store.set_plan("Besar", &PlanTerms::default(), BY, NOW).unwrap();
        world
            .store
            .put_on_plan("Klinik Bukit", Some("Besar"), None, BY, NOW)
            .unwrap();
        world.sync(NOW);
        let clinics = [world.a.clinic.tenant, world.b.clinic.tenant];
        for clinic in &clinics {
            world.store.note_day(clinic, NOW).unwrap();
        }
        let Home::Database(database) = &world.home else {
            panic!()
        };
        let mut client = database.relay().connect().unwrap();
        let hex = hex::encode(clinics[0].as_bytes());
        let count = |client: &mut postgres::Client, table: &str| -> i64 {
            client
                .query_one(&format!("SELECT count(*) FROM {table}"), &[])
                .unwrap()
                .get(0)
        };
        client
            .batch_execute(&format!("SELECT set_config('medieco.tenant', '{hex}', false)"))
            .unwrap();
        for table in [
            "subscription",
            "plan",
            "plan_terms",
            "seat",
            "usage_day",
            "usage_counted",
        ] {
            assert_eq!(count(&mut database.raw(), table), 2, "{table}");
            assert_eq!(count(&mut client, table), 1, "{table}");
        }
        for table in ["billing", "issuer", "invoice", "invoice_serial", "owed", "paid"] {
            assert_eq!(count(&mut client, table), 0, "{table}");
        }
        for attempt in [
            "UPDATE subscription SET plan = NULL",
            "UPDATE plan SET retired_ms = 1",
            "INSERT INTO plan_terms VALUES (1, 99, '2026-01-01', 0, NULL, NULL, NULL, NULL, 1)",
            "UPDATE usage_day SET n_requests = 0 WHERE tenant <> medieco_tenant()",
            "DELETE FROM seat WHERE tenant <> medieco_tenant()",
        ] {
            let done = client.execute(attempt, &[]);
            assert!(done.is_err() || done.is_ok_and(|n_rows| n_rows == 0), "{attempt}");
        }
    });
}
