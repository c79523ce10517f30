import { Button, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconAffiliate, IconChevronRight, IconCloudDown, IconCopy, IconHistory, IconLock, IconPencil, IconShieldLock } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { PastVisit, SessionView } from "@/api";
import { queries } from "@/api/queries";
import { useArriving } from "@/api/useArriving";
import { Badge } from "@/components/Badge";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import { MayStillCome } from "@/components/MayStillCome";
import page from "@/components/Page.module.css";
import { mayOf } from "@/lib/may";
import { ago, showDay } from "@/lib/time";
import styles from "./Patients.module.css";

/** All her visits here, newest first, and what other clinics share of her. Each opens; a signed one only to be read. */
export function History({ patient, session }: { patient: string; session: SessionView }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = mayOf(session);
  const arriving = useArriving() !== null;
  const today = useQuery(queries.today());
  const history = useQuery({ ...queries.history(patient), enabled: may.openVisit });
  const network = useQuery({ ...queries.network(), enabled: may.openShared });
  const row = today.data?.rows.find((r) => r.patient === patient);
  const shared = network.data?.received.filter((s) => s.matched_patient === patient) ?? [];
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="history" aria-busy={history.isLoading}>
      <div className={page.row}>
        <h2 className={page.h2} id="history">
          {t("patients.history.title")}
        </h2>
        {row && may.openVisit && (
          <Button className={page.push} variant="light" onClick={() => void navigate({ to: "/consult/$visit", params: { visit: row.visit } })}>
            {t("patients.history.openToday", { token: row.token })}
          </Button>
        )}
      </div>
      <ErrorNote error={history.error} />
      {history.isLoading && <Waiting />}
      {history.data?.map((past) => (
        <Past key={past.visit} past={past} onOpen={() => void navigate({ to: "/consult/$visit", params: { visit: past.visit } })} />
      ))}
      {history.data && history.data.length > 0 && <MayStillCome words={t("patients.history.mayStillCome")} />}
      {history.data?.length === 0 &&
        (arriving ? (
          <EmptyState icon={IconCloudDown} title={t("patients.history.notHere")} help={t("patients.history.notHereHelp")} />
        ) : (
          <EmptyState icon={IconHistory} title={t("patients.history.none")} help={t("patients.history.noneHelp")} />
        ))}
      {!may.openVisit && <EmptyState icon={IconLock} title={t("patients.history.notYours")} help={t("patients.history.notYoursHelp")} />}
      {shared.map((s) => (
        <button key={s.grant} type="button" className={styles.visit} onClick={() => void navigate({ to: "/network/received/$grant", params: { grant: s.grant } })}>
          <span className={styles.day}>
            <IconAffiliate size="1rem" aria-hidden /> {ago(s.as_of)}
          </span>
          <span className={styles.what}>{t("patients.history.sharedFrom", { clinic: s.clinic_name, count: s.n_entries })}</span>
          <IconChevronRight size="1.125rem" aria-hidden />
        </button>
      ))}
    </section>
  );
}

function Past({ past, onOpen }: { past: PastVisit; onOpen: () => void }) {
  const { t } = useTranslation();
  return (
    <button type="button" className={styles.visit} onClick={onOpen} data-visit={past.visit} data-state={past.state}>
      <span className={styles.day}>{showDay(past.day)}</span>
      <span className={styles.what}>
        <strong>{past.summary}</strong>
        {past.medicines.length > 0 && <span className={styles.meds}>{past.medicines.join(", ")}</span>}
        <span className={styles.who}>
          {past.doctor && <span className={page.muted}>{past.doctor}</span>}
          {past.state === "signed" ? (
            <Badge tone="green" icon={<IconLock size="0.875rem" aria-hidden />}>
              {t("patients.history.state.signed")}
            </Badge>
          ) : (
            <Badge tone="amber" icon={<IconPencil size="0.875rem" aria-hidden />}>
              {t("patients.history.state.draft")}
            </Badge>
          )}
          {past.signed_twice && (
            <Badge tone="red" icon={<IconCopy size="0.875rem" aria-hidden />}>
              {t("patients.history.signedTwice")}
            </Badge>
          )}
          {past.dispensed_twice && (
            <Badge tone="red" icon={<IconCopy size="0.875rem" aria-hidden />}>
              {t("patients.history.dispensedTwice")}
            </Badge>
          )}
          {past.sensitive && <Badge icon={<IconShieldLock size="0.875rem" aria-hidden />}>{t("patients.history.sensitive")}</Badge>}
        </span>
      </span>
      <IconChevronRight size="1.125rem" aria-hidden />
    </button>
  );
}

function Waiting() {
  const { t } = useTranslation();
  return (
    <div className={styles.waiting} role="status">
      <span className="sr">{t("patients.history.loading")}</span>
      {[1, 2, 3].map((n) => (
        <Skeleton key={n} height={44} radius="md" />
      ))}
    </div>
  );
}
