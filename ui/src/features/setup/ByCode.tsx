import { Button, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type AppState, type JoinByCode } from "@/api";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { setWindow } from "@/lib/window";
import styles from "./Setup.module.css";
import { useProtection } from "./useProtection";

/** What a scanner types, or a person pastes: it says by itself where the relay is. */
const isTicket = (text: string) => /^\s*MEDIECOPAIR1/i.test(text);

/** A further device of a clinic that is there already. */
export function ByCode({ app, onBack }: { app: AppState; onBack: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { fields, protection, ready } = useProtection(app.keyring);
  const join = useWrite((input: JoinByCode) => api.joinByCode(input));
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { name: "", relay: "", code: "" },
    validate: {
      relay: (v, { code }) => (v.trim() || isTicket(code) ? null : t("setup.clinic.needed")),
      code: (v) => (isTicket(v) || /^[0-9A-Za-z]{4}-?[0-9A-Za-z]{4}$/.test(v.trim()) ? null : t("setup.code.eight")),
    },
  });
  const [ticket, setTicket] = useState(false);
  form.watch("code", ({ value }) => setTicket(isTicket(value)));
  const submit = form.onSubmit(({ name, relay, code }) =>
    join.mutate(
      { relay: relay.trim(), code: code.trim().toUpperCase(), device_name: name.trim() || null, protection },
      {
        onSuccess: () => {
          setWindow({ adding: false });
          void client.resetQueries();
        },
      },
    ),
  );
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      <h1 className={styles.title}>{t("setup.code.title")}</h1>
      <p className={styles.lead}>{t("setup.code.lead")}</p>
      <TextInput label={t("setup.code.name")} description={t("setup.code.nameHelp")} maxLength={40} autoComplete="off" key={form.key("name")} {...form.getInputProps("name")} />
      <TextInput label={t("setup.code.code")} description={t("setup.code.codeHelp")} placeholder="7K3M-Q9TX" autoComplete="off" spellCheck={false} className={styles.codeInput} key={form.key("code")} {...form.getInputProps("code")} />
      {!ticket && <TextInput label={t("setup.code.relay")} description={t("setup.code.relayHelp")} autoComplete="off" spellCheck={false} key={form.key("relay")} {...form.getInputProps("relay")} />}
      {fields}
      <ErrorNote error={join.error} />
      {join.isPending && (
        <p role="status" className={styles.lead}>
          {t("setup.code.joining")}
        </p>
      )}
      <div className={styles.actions}>
        <Button variant="default" onClick={onBack}>
          {t("common.back")}
        </Button>
        <Button type="submit" disabled={!ready} loading={join.isPending}>
          {t("setup.code.submit")}
        </Button>
      </div>
    </form>
  );
}
