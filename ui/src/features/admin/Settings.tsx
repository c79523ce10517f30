import { Button, Select, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, type DeviceSettings } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { notify } from "@/components/notify";
import { ModelImport } from "@/components/ModelImport";
import page from "@/components/Page.module.css";
import styles from "./Admin.module.css";
import { Choices } from "./Choices";

/** The hardware of this device: printer, UPS, microphone, speech model, labels. */
export function Settings() {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.deviceSettings());
  return (
    <div className={styles.two}>
      {data ? <Form key={JSON.stringify(data)} settings={data} /> : <ErrorNote error={error} />}
      <div className={`${page.card} ${styles.box}`}>
        <h2 className={page.h2}>{t("admin.model.title")}</h2>
        <p className={page.muted}>{t("admin.model.help")}</p>
        <ModelImport />
      </div>
      <Choices />
    </div>
  );
}

function Form({ settings }: { settings: DeviceSettings }) {
  const { t } = useTranslation();
  const microphones = useQuery(queries.microphones());
  const models = useQuery(queries.models());
  const form = useForm<DeviceSettings>({ mode: "uncontrolled", initialValues: settings });
  const save = useWrite((s: DeviceSettings) => api.saveDeviceSettings(s), ["settings", "status"]);
  const submit = form.onSubmit((values) => save.mutate(values, { onSuccess: () => notify(t("admin.settings.saved")) }));
  return (
    <form className={`${page.card} ${styles.box}`} onSubmit={submit}>
      <h2 className={page.h2}>{t("admin.settings.title")}</h2>
      <TextInput label={t("admin.settings.printer")} description={t("admin.settings.printerHelp")} placeholder="tcp://192.168.1.60:9100" autoComplete="off" key={form.key("printer")} {...form.getInputProps("printer")} />
      <div className={styles.pair}>
        <Select
          label={t("admin.settings.labelSize")}
          data={[
            { value: "60x50", label: t("admin.settings.size", { size: "60 × 50" }) },
            { value: "70x40", label: t("admin.settings.size", { size: "70 × 40" }) },
          ]}
          key={form.key("label_size")}
          {...form.getInputProps("label_size")}
        />
        <Select
          label={t("admin.settings.labelLanguage")}
          data={[
            { value: "ms", label: t("admin.settings.malay") },
            { value: "en", label: t("admin.settings.english") },
          ]}
          key={form.key("label_language")}
          {...form.getInputProps("label_language")}
        />
      </div>
      <TextInput label={t("admin.settings.ups")} description={t("admin.settings.upsHelp")} placeholder="/dev/ttyUSB0" autoComplete="off" key={form.key("ups")} {...form.getInputProps("ups")} />
      <Select
        label={t("admin.settings.microphone")}
        data={[{ value: "", label: t("admin.settings.systemMicrophone") }, ...(microphones.data?.map((m) => ({ value: m.id, label: m.name })) ?? [])]}
        key={form.key("microphone")}
        {...form.getInputProps("microphone")}
      />
      <Select
        label={t("admin.settings.model")}
        data={[{ value: "", label: t("admin.settings.noModel") }, ...(models.data?.filter((m) => m.installed).map((m) => ({ value: m.file, label: m.title })) ?? [])]}
        key={form.key("model")}
        {...form.getInputProps("model")}
      />
      <ErrorNote error={save.error ?? microphones.error} />
      <div className={styles.right}>
        <Button type="submit" loading={save.isPending}>
          {t("admin.settings.save")}
        </Button>
      </div>
    </form>
  );
}
