import { Button, PasswordInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { IconBuildingHospital } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type AppState, type ClinicOnDevice } from "@/api";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { setWindow, useWindow } from "@/lib/window";
import { Frame } from "./Frame";
import styles from "./SignIn.module.css";

/** Which of this device's clinics to open, and its passphrase where the machine has no keyring. */
export function ChooseClinic({ app }: { app: AppState }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { unlocking } = useWindow();
  const only = app.clinics.length === 1 ? app.clinics[0] : app.clinics.find((c) => c.tenant === unlocking);
  const [asked, setAsked] = useState<ClinicOnDevice | undefined>(only?.needs_passphrase ? only : undefined);
  const open = useWrite((tenant: string) => api.openClinic(tenant));
  const done = { onSuccess: () => client.resetQueries() };
  return (
    <Frame name={asked ? asked.name : t("signin.whichClinic")} screen="choose-clinic">
      {asked ? (
        <Unlock clinic={asked} />
      ) : (
        <>
          {app.clinics.map((clinic) => (
            <button
              key={clinic.tenant}
              type="button"
              className={styles.chooseItem}
              onClick={() => (clinic.needs_passphrase ? setAsked(clinic) : open.mutate(clinic.tenant, done))}
            >
              <IconBuildingHospital size="1.5rem" stroke={1.6} aria-hidden />
              {clinic.name}
              {clinic.needs_passphrase && <span className={styles.chooseHint}>{t("signin.needsPassphrase")}</span>}
            </button>
          ))}
          <ErrorNote error={open.error} />
        </>
      )}
      {asked && app.clinics.length > 1 && (
        <Button
          variant="subtle"
          color="gray"
          onClick={() => {
            setWindow({ unlocking: null });
            setAsked(undefined);
          }}
        >
          {t("signin.otherClinic")}
        </Button>
      )}
      {!asked && (
        <Button variant="subtle" color="gray" onClick={() => setWindow({ adding: true })}>
          {t("common.addClinic")}
        </Button>
      )}
    </Frame>
  );
}

function Unlock({ clinic }: { clinic: ClinicOnDevice }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm({ mode: "uncontrolled", initialValues: { passphrase: "" } });
  const unlock = useWrite((passphrase: string) => api.unlockClinic(clinic.tenant, passphrase));
  const submit = form.onSubmit(({ passphrase }) => unlock.mutate(passphrase, {
      onSuccess: () => {
        setWindow({ unlocking: null });
        void client.resetQueries();
      },
    }));
  return (
    <form onSubmit={submit} style={{ display: "grid", gap: 14 }}>
      <PasswordInput
        label={t("signin.passphrase")}
        description={t("signin.passphraseHelp")}
        autoFocus
        autoComplete="off"
        key={form.key("passphrase")}
        {...form.getInputProps("passphrase")}
      />
      <ErrorNote error={unlock.error} />
      <Button type="submit" loading={unlock.isPending}>
        {t("signin.unlock")}
      </Button>
    </form>
  );
}
