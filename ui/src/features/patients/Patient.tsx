import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { IconAffiliate, IconHistory, IconShieldLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { PatientBanner, SessionView } from "@/api";
import { queries } from "@/api/queries";
import { AuditTable } from "@/components/AuditTable";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import { GrantCard } from "@/components/GrantCard";
import page from "@/components/Page.module.css";
import { PatientHead } from "@/components/PatientHead";
import { ago, showDay } from "@/lib/time";
import styles from "./Patients.module.css";

/** One patient: who she is, her history, what she shares, who saw what. */
export function Patient({ session }: { session: SessionView }) {
  const { patient } = useParams({ strict: false }) as { patient: string };
  const { data: banner, error } = useQuery(queries.banner(patient));
  if (error)
    return (
      <div className={page.page}>
        <ErrorNote error={error} />
      </div>
    );
  if (!banner) return null;
  const clinical = session.role === "doctor" || session.role === "owner" || session.role === "pharmacist";
  const shares = session.role !== "pharmacist";
  const audits = session.role === "doctor" || session.role === "owner" || session.role === "admin";
  return (
    <div className={page.page} data-screen="patient">
      <PatientHead banner={banner} canAsk={clinical} />
      <div className={styles.columns}>
        <History banner={banner} session={session} />
        {shares && <Sharing patient={patient} />}
      </div>
      {audits && <Seen patient={patient} />}
    </div>
  );
}

function History({ banner, session }: { banner: PatientBanner; session: SessionView }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const today = useQuery(queries.today());
  const doctor = session.role === "doctor" || session.role === "owner";
  const row = today.data?.rows.find((r) => r.patient === banner.id);
  const visit = useQuery({ ...queries.visit(row?.visit ?? ""), enabled: doctor && row !== undefined });
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="history">
      <div className={page.row}>
        <h2 className={page.h2} id="history">
          {t("patients.history.title")}
        </h2>
        {row && doctor && (
          <Button className={page.push} variant="light" onClick={() => void navigate({ to: "/consult/$visit", params: { visit: row.visit } })}>
            {t("patients.history.openToday", { token: row.token })}
          </Button>
        )}
      </div>
      {visit.data?.past_visits.map((past) => (
        <div key={past.visit} className={styles.visit}>
          <span className={page.muted}>{showDay(past.day)}</span>
          <strong>{past.summary}</strong>
          {past.medicines.length > 0 && <span className={styles.meds}>{past.medicines.join(", ")}</span>}
        </div>
      ))}
      {visit.data?.shared.map((shared) => (
        <div key={shared.grant} className={styles.visit}>
          <span className={page.muted}>{ago(shared.as_of)}</span>
          <span>{t("patients.history.sharedFrom", { clinic: shared.clinic_name, count: shared.n_entries })}</span>
        </div>
      ))}
      {(visit.data ? visit.data.past_visits.length === 0 && visit.data.shared.length === 0 : !visit.isLoading) && (
        <EmptyState
          icon={IconHistory}
          title={doctor ? (row ? t("patients.history.none") : t("patients.history.noVisit")) : t("patients.history.notYours")}
          help={doctor ? (row ? t("patients.history.noneHelp") : t("patients.history.noVisitHelp")) : t("patients.history.notYoursHelp")}
        />
      )}
    </section>
  );
}

function Sharing({ patient }: { patient: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { data, error } = useQuery(queries.grantsOf(patient));
  const start = () => void navigate({ to: "/consent/$patient", params: { patient } });
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="sharing">
      <div className={page.row}>
        <h2 className={page.h2} id="sharing">
          {t("patients.sharing.title")}
        </h2>
        {data && data.length > 0 && (
          <Button className={page.push} variant="light" onClick={start}>
            {t("patients.sharing.start")}
          </Button>
        )}
      </div>
      <ErrorNote error={error} />
      {data?.map((grant) => (
        <GrantCard key={grant.id} grant={grant} />
      ))}
      {data?.length === 0 && (
        <EmptyState icon={IconAffiliate} title={t("patients.sharing.none")} help={t("patients.sharing.noneHelp")}>
          <Button variant="light" onClick={start}>
            {t("patients.sharing.start")}
          </Button>
        </EmptyState>
      )}
    </section>
  );
}

function Seen({ patient }: { patient: string }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.audit(patient));
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="seen">
      <h2 className={page.h2} id="seen">
        {t("patients.seen.title")}
      </h2>
      <ErrorNote error={error} />
      {data && <AuditTable rows={data} withPatient={false} empty={<EmptyState icon={IconShieldLock} title={t("patients.seen.none")} help={t("patients.seen.noneHelp")} />} />}
    </section>
  );
}
