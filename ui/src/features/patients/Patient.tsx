import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { IconAffiliate, IconShieldLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { SessionView } from "@/api";
import { queries } from "@/api/queries";
import { AuditTable } from "@/components/AuditTable";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import { FailedPage } from "@/components/FailedPage";
import { GrantCard } from "@/components/GrantCard";
import page from "@/components/Page.module.css";
import { PatientHead } from "@/components/PatientHead";
import { Recordings } from "@/components/recordings/Recordings";
import { mayOf } from "@/lib/may";
import { AskElsewhere } from "./AskElsewhere";
import { Erase } from "./Erase";
import { History } from "./History";
import styles from "./Patients.module.css";

/** One patient: who she is, her history, what she shares, who saw what. */
export function Patient({ session }: { session: SessionView }) {
  const { t } = useTranslation();
  const { patient } = useParams({ strict: false }) as { patient: string };
  const { data: banner, error } = useQuery(queries.banner(patient));
  if (error) return <FailedPage title={t("patients.title")} error={error} />;
  if (!banner) return null;
  const may = mayOf(session);
  return (
    <div className={page.page} data-screen="patient">
      <PatientHead banner={banner} canAsk={may.recordAllergy} />
      <div className={styles.columns}>
        <History patient={patient} session={session} />
        <div className={styles.stack}>
          {may.seeSharing && <Sharing patient={patient} canStart={may.grantConsent} />}
          {may.askForRecord && <AskElsewhere patient={patient} name={banner.name} />}
        </div>
      </div>
      <Recordings patient={patient} />
      {may.seeAudit && <Seen patient={patient} />}
      {may.erasePatient && <Erase patient={patient} name={banner.name} />}
    </div>
  );
}

function Sharing({ patient, canStart }: { patient: string; canStart: boolean }) {
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
        {canStart && data && data.length > 0 && (
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
        <EmptyState records icon={IconAffiliate} title={t("patients.sharing.none")} help={t("patients.sharing.noneHelp")}>
          {canStart && (
            <Button variant="light" onClick={start}>
              {t("patients.sharing.start")}
            </Button>
          )}
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
      {data && <AuditTable rows={data} withPatient={false} empty={<EmptyState records icon={IconShieldLock} title={t("patients.seen.none")} help={t("patients.seen.noneHelp")} />} />}
    </section>
  );
}
