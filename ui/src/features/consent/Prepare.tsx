import { Button, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconAffiliate } from "@tabler/icons-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { PatientBanner, SessionView } from "@/api";
import { queries } from "@/api/queries";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { useFocusOn } from "@/lib/focus";
import styles from "./Consent.module.css";
import type { Answers } from "./terms";

interface Props {
  banner: PatientBanner;
  session: SessionView;
  answers: Answers;
  set: (change: Partial<Answers>) => void;
  onStart: () => void;
  onCancel: () => void;
}

/** Before the tablet goes to the patient: which clinic, who watches, and who signs for a child. */
export function Prepare({ banner, session, answers, set, onStart, onCancel }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const main = useFocusOn<HTMLElement>("prepare");
  const { data, error } = useQuery(queries.network());
  const verified = data?.clinics.filter((c) => c.verified) ?? [];
  const minor = banner.age_years !== null && banner.age_years < 18;
  useEffect(() => {
    if (!answers.witness) set({ witness: session.name });
    // Once, as a start.
    // oxlint-disable-next-line react/exhaustive-deps
  }, []);
  const only = verified.length === 1 ? verified[0] : undefined;
  useEffect(() => {
    if (only && !answers.clinic) set({ clinic: only.tenant, clinicName: only.name });
    // oxlint-disable-next-line react/exhaustive-deps
  }, [only]);
  return (
    <main className={styles.prepare} data-screen="consent" data-page="prepare" ref={main} tabIndex={-1}>
      <div className={`${page.card} ${styles.prepareCard}`}>
        <h1 className={page.title}>{t("consent.prepare.title", { name: banner.name })}</h1>
        <ErrorNote error={error} />
        {data && verified.length === 0 ? (
          <EmptyState icon={IconAffiliate} title={t("consent.prepare.noClinic")} help={t("consent.prepare.noClinicHelp")}>
            <Button variant="light" onClick={() => void navigate({ to: "/network", search: { tab: "clinics" } })}>
              {t("consent.prepare.toNetwork")}
            </Button>
          </EmptyState>
        ) : data && (
          <>
            <p className={page.muted}>{t("consent.prepare.help")}</p>
            <Select
              label={t("consent.prepare.clinic")}
              placeholder={t("consent.prepare.choose")}
              value={answers.clinic || null}
              data={verified.map((c) => ({ value: c.tenant, label: c.name }))}
              onChange={(tenant) => set({ clinic: tenant ?? "", clinicName: verified.find((c) => c.tenant === tenant)?.name ?? "" })}
            />
            <TextInput label={t("consent.prepare.witness")} description={t("consent.prepare.witnessHelp")} value={answers.witness} onChange={(e) => set({ witness: e.currentTarget.value })} />
            <TextInput
              label={minor ? t("consent.prepare.guardianMinor") : t("consent.prepare.guardian")}
              description={t("consent.prepare.guardianHelp")}
              value={answers.guardian}
              onChange={(e) => set({ guardian: e.currentTarget.value })}
            />
          </>
        )}
        <div className={styles.prepareActions}>
          <Button variant="default" onClick={onCancel}>
            {t("common.cancel")}
          </Button>
          <Button disabled={!answers.clinic || !answers.witness.trim() || (minor && !answers.guardian.trim())} onClick={onStart}>
            {t("consent.prepare.start")}
          </Button>
        </div>
      </div>
    </main>
  );
}
