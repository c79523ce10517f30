import { Button, Drawer, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconAlertTriangle, IconCheck, IconClock, IconHelpCircle, IconPrinter, IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type PrintJobView } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote, errorWords } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { showTime } from "@/lib/time";
import styles from "./Dispense.module.css";

const ICON = { queued: IconClock, sending: IconSend, sent: IconPrinter, confirmed: IconCheck, failed: IconAlertTriangle, unknown: IconHelpCircle };
const TONE = { queued: "plain", sending: "accent", sent: "accent", confirmed: "green", failed: "amber", unknown: "amber" } as const;

export function JobState({ job }: { job: PrintJobView }) {
  const { t } = useTranslation();
  const Icon = ICON[job.state];
  return (
    <Badge tone={TONE[job.state]} icon={<Icon size="0.875rem" aria-hidden />}>
      {t(`dispense.job.${job.state}`)}
    </Badge>
  );
}

/** The labels on their way: waiting, printing, "did it come out?", done. */
export function Spool({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Drawer opened={opened} onClose={onClose} position="right" size={440} title={t("dispense.spool.title")} closeButtonProps={{ "aria-label": t("common.close") }}>
      {opened && <Jobs />}
    </Drawer>
  );
}

function Jobs() {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.printJobs());
  const asks = data?.filter((j) => j.state === "unknown") ?? [];
  const rest = data?.filter((j) => j.state !== "unknown") ?? [];
  return (
    <div className={styles.jobs}>
      <ErrorNote error={error} />
      {data?.length === 0 && <EmptyState icon={IconPrinter} title={t("dispense.spool.empty")} help={t("dispense.spool.emptyHelp")} />}
      {asks.map((job) => (
        <Job key={job.id} job={job} />
      ))}
      {rest.map((job) => (
        <Job key={job.id} job={job} />
      ))}
    </div>
  );
}

function Job({ job }: { job: PrintJobView }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState<string | null>(null);
  const tags = ["print_jobs", "status", "visit"];
  const answer = useWrite((cameOut: boolean) => api.answerPrint(job.id, cameOut), tags);
  const again = useWrite((why: string) => api.reprint(job.id, why), tags);
  return (
    <article className={styles.job} data-state={job.state} data-job={job.id}>
      <div className={page.row}>
        <strong>{job.title}</strong>
        {job.reprint > 0 && <Badge>{t("dispense.spool.reprintNo", { n: job.reprint })}</Badge>}
        <span className={page.push}>
          <JobState job={job} />
        </span>
      </div>
      <p className={`${page.muted} ${page.small}`}>{[showTime(job.at), job.reason ? errorWords({ code: `printer_${job.reason}` }).title : ""].filter(Boolean).join(" · ")}</p>
      {job.state === "unknown" ? (
        <div className={styles.question}>
          <p>{t("dispense.spool.question")}</p>
          <div className={page.row}>
            <Button variant="default" onClick={() => answer.mutate(false)} loading={answer.isPending}>
              {t("dispense.spool.no")}
            </Button>
            <Button variant="light" onClick={() => answer.mutate(true)} loading={answer.isPending}>
              {t("dispense.spool.yes")}
            </Button>
          </div>
        </div>
      ) : reason === null ? (
        (job.state === "sent" || job.state === "confirmed" || job.state === "failed") && (
          <Button variant="subtle" size="compact-md" h={40} px={4} onClick={() => setReason("")}>
            {t("dispense.spool.reprint")}
          </Button>
        )
      ) : (
        <form
          className={styles.reprint}
          // Enter never prints.
          onSubmit={(e) => e.preventDefault()}
        >
          <TextInput label={t("dispense.spool.why")} description={t("dispense.spool.whyHelp")} value={reason} autoFocus onChange={(e) => setReason(e.currentTarget.value)} />
          <Button type="button" variant="light" disabled={!reason.trim()} loading={again.isPending} onClick={() => again.mutate(reason.trim(), { onSuccess: () => setReason(null) })}>
            {t("dispense.spool.reprintNow")}
          </Button>
        </form>
      )}
      <ErrorNote error={answer.error ?? again.error} />
    </article>
  );
}
