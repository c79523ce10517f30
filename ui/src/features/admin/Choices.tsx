import { Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, type ClinicChoices } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { notify } from "@/components/notify";
import page from "@/components/Page.module.css";
import styles from "./Admin.module.css";

/** What the clinic has chosen for all of its devices. */
export function Choices() {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.clinicChoices());
  const save = useWrite((choices: ClinicChoices) => api.saveClinicChoices(choices), ["clinic"]);
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="clinic-choices">
      <h2 className={page.h2} id="clinic-choices">
        {t("admin.choices.title")}
      </h2>
      <p className={page.muted}>{t("admin.choices.help")}</p>
      <Switch
        size="md"
        label={t("admin.choices.sound")}
        description={t("admin.choices.soundHelp")}
        checked={data?.delete_audio_at_sign_off ?? false}
        disabled={!data || save.isPending}
        onChange={(e) => save.mutate({ delete_audio_at_sign_off: e.currentTarget.checked }, { onSuccess: () => notify(t("admin.choices.saved")) })}
      />
      <ErrorNote error={error ?? save.error} />
    </section>
  );
}
