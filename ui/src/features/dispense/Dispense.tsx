import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { IconAlertTriangle, IconCheck, IconListDetails, IconPackage, IconPill, IconPrinter } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type DispenseLine, type DispenseView } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import { FindingNote } from "@/components/FindingNote";
import { lengthWords } from "@/components/lineWords";
import { OverrideNote } from "@/components/OverrideNote";
import page from "@/components/Page.module.css";
import { PatientHead } from "@/components/PatientHead";
import { PinDialog } from "@/components/PinDialog";
import { ago, showMoment } from "@/lib/time";
import styles from "./Dispense.module.css";
import { LabelPreview } from "./LabelPreview";
import { JobState, Spool } from "./Spool";

/** Queue | the prescription's lines with their checks | the label as it will print. */
export function Dispense() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { visit } = useParams({ strict: false }) as { visit?: string };
  const { spool } = useSearch({ strict: false }) as { spool?: boolean };
  const queue = useQuery(queries.dispensingQueue());
  const open = useQuery({ ...queries.dispense(visit ?? ""), enabled: visit !== undefined });
  const status = useQuery(queries.status());
  const setSpool = (on: boolean) => void navigate({ to: visit ? "/dispense/$visit" : "/dispense", params: { visit: visit ?? "" }, search: on ? { spool: true } : {}, replace: true });
  return (
    <div className={styles.dispense} data-screen="dispense" data-open={visit !== undefined}>
      <section className={`${page.card} ${styles.queue}`} aria-label={t("dispense.queue")}>
        <div className={styles.queueTop}>
          <h1 className={page.h2}>{t("dispense.queue")}</h1>
          <Button
            variant={status.data?.printer.unknown ? "light" : "default"}
            size="compact-md"
            h={40}
            className={page.push}
            leftSection={<IconListDetails size={17} aria-hidden />}
            onClick={() => setSpool(true)}
          >
            {t("dispense.spool.open", { count: status.data?.printer.unknown ?? 0 })}
          </Button>
        </div>
        <ErrorNote error={queue.error} />
        <div className={styles.rows}>
          {queue.data?.map((row) => (
            <button
              key={row.entry}
              type="button"
              className={styles.row}
              aria-current={row.visit === visit}
              onClick={() => void navigate({ to: "/dispense/$visit", params: { visit: row.visit } })}
              aria-label={t("dispense.openRow", { token: row.token, name: row.name })}
            >
              <span className={styles.token}>{row.token}</span>
              <span className={styles.who}>
                <strong>{row.name}</strong>
                <span className={page.muted}>{[t("dispense.medicines", { count: row.n_lines }), row.doctor_name, ago(row.signed_at)].join(" · ")}</span>
                {row.n_overridden > 0 && (
                  <Badge tone="amber" icon={<IconAlertTriangle size={14} aria-hidden />}>
                    {t("dispense.overridden", { count: row.n_overridden })}
                  </Badge>
                )}
              </span>
            </button>
          ))}
          {queue.data?.length === 0 && <EmptyState icon={IconPackage} title={t("dispense.empty")} help={t("dispense.emptyHelp")} />}
        </div>
      </section>
      {visit && open.error ? (
        <div className={`${page.card} ${styles.nothing}`}>
          <ErrorNote error={open.error} />
        </div>
      ) : visit && open.data ? (
        <Prescription key={visit} view={open.data} onSpool={() => setSpool(true)} />
      ) : (
        !visit && (
          <div className={`${page.card} ${styles.nothing}`}>
            <EmptyState icon={IconPill} title={t("dispense.choose")} help={t("dispense.chooseHelp")} />
          </div>
        )
      )}
      <Spool opened={spool === true} onClose={() => setSpool(false)} />
    </div>
  );
}

function Prescription({ view, onSpool }: { view: DispenseView; onSpool: () => void }) {
  const { t } = useTranslation();
  const ids = view.lines.map((l) => l.checked.line.id);
  const left = view.lines.filter((l) => l.handed_over === null).map((l) => l.checked.line.id);
  const { data: status } = useQuery(queries.status());
  const hasPrinter = Boolean(status?.printer.address);
  const [chosen, setChosen] = useState<string | undefined>(ids[0]);
  const [off, setOff] = useState<string[]>([]);
  const [asking, setAsking] = useState(false);
  const going = left.filter((id) => !off.includes(id));
  const tags = [`visit:${view.visit}`, "queue", "print_jobs", "status"];
  const print = useWrite((lines: string[]) => api.printLabels(view.visit, lines), tags);
  /** Labels first: nothing is handed over without one. What has been asked for already is not printed again. */
  const handOver = useWrite(async (pin: string) => {
    const missing = view.lines.filter((l) => going.includes(l.checked.line.id) && l.job === null).map((l) => l.checked.line.id);
    if (hasPrinter && missing.length > 0) await api.printLabels(view.visit, missing);
    await api.handOver({ visit: view.visit, lines: going, pin });
  }, tags);
  const isDone = left.length === 0;
  const unprinted = view.lines.filter((l) => l.job === null && going.includes(l.checked.line.id)).map((l) => l.checked.line.id);
  const verb = hasPrinter ? t("dispense.handOver") : t("dispense.handOverOnly");
  const open = view.lines.some((l) => l.checked.open.length > 0);
  useEffect(() => {
    if (isDone) setAsking(false);
  }, [isDone]);

  return (
    <>
      <section className={`${page.card} ${styles.lines}`} aria-label={t("dispense.prescription")}>
        <div className={styles.head}>
          <PatientHead banner={view.banner} canAsk narrow aside={<Badge tone="accent">{view.token}</Badge>} />
        </div>
        {view.dispensed_twice && (
          <p className={styles.twice} role="alert">
            <IconAlertTriangle size={20} aria-hidden />
            {t("dispense.twice")}
          </p>
        )}
        {view.dispensed && (
          <p className={styles.done} role="status" data-testid="dispensed">
            <IconCheck size={20} aria-hidden />
            {t("dispense.doneBy", { name: view.dispensed.by, at: showMoment(view.dispensed.at) })}
          </p>
        )}
        <div className={styles.lineList}>
          <p className={page.muted}>{t("dispense.by", { doctor: view.doctor_name })}</p>
          {view.lines.map((line) => (
            <Line
              key={line.checked.line.id}
              line={line}
              chosen={chosen === line.checked.line.id}
              included={!off.includes(line.checked.line.id)}
              onChoose={() => setChosen(line.checked.line.id)}
              onInclude={(yes) => setOff((o) => (yes ? o.filter((x) => x !== line.checked.line.id) : [...o, line.checked.line.id]))}
            />
          ))}
        </div>
      </section>
      <section className={`${page.card} ${styles.label}`} aria-label={t("dispense.label.title")}>
        <LabelPreview visit={view.visit} line={chosen} name={view.lines.find((l) => l.checked.line.id === chosen)?.checked.line.drug_name ?? ""} />
        <div className={styles.actions}>
          <ErrorNote error={print.error} />
          {open && <p className={styles.warn}>{t("dispense.openAlerts")}</p>}
          {hasPrinter && unprinted.length > 0 ? (
            <Button variant="default" leftSection={<IconPrinter size={18} aria-hidden />} loading={print.isPending} onClick={() => print.mutate(unprinted)}>
              {t("dispense.printOnly")}
            </Button>
          ) : (
            view.lines.some((l) => l.job !== null) && (
              <Button variant="default" leftSection={<IconPrinter size={18} aria-hidden />} onClick={onSpool}>
                {t("dispense.printAgain")}
              </Button>
            )
          )}
          {!isDone && (
            <Button
              leftSection={<IconPackage size={19} aria-hidden />}
              disabled={going.length === 0}
              onClick={() => {
                handOver.reset();
                setAsking(true);
              }}
            >
              {verb}
            </Button>
          )}
        </div>
      </section>
      {asking && (
        <PinDialog title={verb} action={verb} error={handOver.error} pending={handOver.isPending} onClose={() => setAsking(false)} onConfirm={(pin) => handOver.mutate(pin)}>
          <p className={styles.ask}>{t("dispense.handOverWhat", { count: going.length, name: view.banner.name })}</p>
        </PinDialog>
      )}
    </>
  );
}

interface LineProps {
  line: DispenseLine;
  chosen: boolean;
  included: boolean;
  onChoose: () => void;
  onInclude: (yes: boolean) => void;
}

function Line({ line: { checked, directions, serial, job, handed_over }, chosen, included, onChoose, onInclude }: LineProps) {
  const { t } = useTranslation();
  const { line, findings } = checked;
  const known = new Set(findings.map((f) => f.key));
  const others = line.overrides.filter((o) => !known.has(o.finding_key));
  return (
    <article className={styles.line} data-chosen={chosen} data-line={line.drug_key}>
      <div className={styles.lineTop}>
        {!handed_over && (
          <label className={styles.include}>
            <input type="checkbox" checked={included} onChange={(e) => onInclude(e.currentTarget.checked)} aria-label={t("dispense.include", { name: line.drug_name })} />
          </label>
        )}
        <button type="button" className={styles.lineMain} aria-pressed={chosen} onClick={onChoose} aria-label={t("dispense.showLabel", { name: line.drug_name })}>
          <strong>{line.drug_name}</strong>
          <span>{directions.join(". ")}</span>
          {handed_over && <span className={styles.handed}>{t("dispense.doneBy", { name: handed_over.by, at: showMoment(handed_over.at) })}</span>}
          <span className={page.muted}>{[lengthWords(line), line.indication, serial ? t("dispense.serial", { serial }) : ""].filter(Boolean).join(" · ")}</span>
        </button>
        {job && <JobState job={job} />}
      </div>
      {findings.map((f) => {
        const override = line.overrides.find((o) => o.finding_key === f.key);
        return (
          <FindingNote key={f.key} finding={f}>
            {override && <OverrideNote override={override} />}
          </FindingNote>
        );
      })}
      {others.map((o) => (
        <OverrideNote key={o.finding_key} override={o} />
      ))}
      {findings.length === 0 && others.length === 0 && (
        <p className={styles.clear}>
          <IconCheck size={16} aria-hidden />
          {t("dispense.noFindings")}
        </p>
      )}
    </article>
  );
}
