import { Button, PasswordInput, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, type AppState, type JoinClinic } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { setWindow } from "@/lib/window";
import styles from "./Setup.module.css";
import { useProtection } from "./useProtection";

/** The first device of a new clinic: invitation, the clinic, its owner, how the key is kept. */
export function ByInvitation({ app, onBack }: { app: AppState; onBack: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { fields, protection, ready } = useProtection(app.keyring);
  const join = useWrite((input: JoinClinic) => api.joinClinic(input));
  const needed = (v: string) => (v.trim() ? null : t("setup.clinic.needed"));
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { invitation: "", clinic_name: "", lines: "", postcode: "", town: "", state: "", phone: "", owner_name: "", owner_registration: "", pin: "", pinAgain: "" },
    validate: {
      invitation: needed,
      clinic_name: needed,
      lines: needed,
      owner_name: needed,
      pin: (v) => (/^\d{6}$/.test(v) ? null : t("setup.clinic.pinSix")),
      pinAgain: (v, all) => (v === all.pin ? null : t("signin.newPin.differed")),
    },
  });
  const submit = form.onSubmit(
    (v) =>
      join.mutate(
        {
          invitation: v.invitation.trim(),
          clinic_name: v.clinic_name.trim(),
          address: { lines: v.lines.trim(), postcode: v.postcode.trim(), town: v.town.trim(), state: v.state.trim() },
          phone: v.phone.trim(),
          owner_name: v.owner_name.trim(),
          owner_registration: v.owner_registration.trim(),
          pin: v.pin,
          protection,
        },
        {
          onSuccess: (kit) => {
            client.setQueryData(queries.recoveryKit().queryKey, kit);
            setWindow({ adding: false });
            void client.invalidateQueries({ queryKey: queries.appState().queryKey });
            void client.invalidateQueries({ queryKey: queries.session().queryKey });
          },
        },
      ),
    (errors) => form.getInputNode(Object.keys(errors)[0] ?? "")?.focus(),
  );
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      <h1 className={styles.title}>{t("setup.clinic.title")}</h1>
      <Textarea label={t("setup.clinic.invitation")} description={t("setup.clinic.invitationHelp")} placeholder="MEDIECO1-…" autosize minRows={2} spellCheck={false} key={form.key("invitation")} {...form.getInputProps("invitation")} />
      <h2 className={styles.second}>{t("setup.clinic.clinic")}</h2>
      <TextInput label={t("setup.clinic.name")} description={t("setup.clinic.nameHelp")} key={form.key("clinic_name")} {...form.getInputProps("clinic_name")} />
      <div className={styles.two}>
        <TextInput label={t("today.register.lines")} key={form.key("lines")} {...form.getInputProps("lines")} />
        <TextInput label={t("setup.clinic.phone")} inputMode="tel" key={form.key("phone")} {...form.getInputProps("phone")} />
      </div>
      <div className={styles.three}>
        <TextInput label={t("today.register.postcode")} inputMode="numeric" key={form.key("postcode")} {...form.getInputProps("postcode")} />
        <TextInput label={t("today.register.town")} key={form.key("town")} {...form.getInputProps("town")} />
        <TextInput label={t("today.register.state")} key={form.key("state")} {...form.getInputProps("state")} />
      </div>
      <h2 className={styles.second}>{t("setup.clinic.owner")}</h2>
      <div className={styles.two}>
        <TextInput label={t("setup.clinic.ownerName")} placeholder={t("admin.staff.nameExample")} key={form.key("owner_name")} {...form.getInputProps("owner_name")} />
        <TextInput label={t("setup.clinic.registration")} description={t("setup.clinic.registrationHelp")} inputWrapperOrder={["label", "input", "description", "error"]} key={form.key("owner_registration")} {...form.getInputProps("owner_registration")} />
        <PasswordInput label={t("setup.clinic.pin")} inputMode="numeric" maxLength={6} autoComplete="new-password" key={form.key("pin")} {...form.getInputProps("pin")} />
        <PasswordInput label={t("setup.clinic.pinAgain")} inputMode="numeric" maxLength={6} autoComplete="new-password" key={form.key("pinAgain")} {...form.getInputProps("pinAgain")} />
      </div>
      {fields}
      <ErrorNote error={join.error} />
      <div className={styles.actions}>
        <Button variant="default" onClick={onBack}>
          {t("common.back")}
        </Button>
        <Button type="submit" disabled={!ready} loading={join.isPending}>
          {t("setup.clinic.submit")}
        </Button>
      </div>
    </form>
  );
}
