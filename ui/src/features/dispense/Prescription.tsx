import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconAlertTriangle, IconCheck, IconPackage, IconPrinter } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type DispenseView } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { PatientHead } from "@/components/PatientHead";
import { PinDialog } from "@/components/PinDialog";
import { minutesSince, showMoment } from "@/lib/time";
import { useNow } from "@/lib/useNow";
import styles from "./Dispense.module.css";
import { LabelPreview } from "./LabelPreview";
import { Line } from "./Line";

/** One prescription: its lines, the label as it will print, and the handing-over by PIN. */
export function Prescription({ view, onSpool }: { view: DispenseView; onSpool: () => void }) {
  const { t } = useTranslation();
  const { data: status } = useQuery(queries.status());
  const navigate = useNavigate();
  useNow(30_000);
  const { apart_since = null, apart_warns_minutes = 0 } = status?.sync ?? {};
  /** Since when nobody was heard, once that is long enough for another counter to have done the same. */
  const apartSince = apart_since !== null && minutesSince(apart_since) >= apart_warns_minutes ? apart_since : null;
  const hasPrinter = Boolean(status?.printer.address);
  const [chosen, setChosen] = useState<string | undefined>(view.lines[0]?.checked.line.id);
  const [off, setOff] = useState<string[]>([]);
  const [reasons, setReasons] = useState<Record<string, string>>({});
  const [asking, setAsking] = useState(false);
  const left = view.lines.filter((l) => l.handed_over === null);
  const going = left.filter((l) => !off.includes(l.checked.line.id));
  const ids = going.map((l) => l.checked.line.id);
  const unprinted = going.filter((l) => l.job === null).map((l) => l.checked.line.id);
  /** Alerts that came up since the signature: two lines of one interaction share theirs. */
  const open = [...new Set(going.flatMap((l) => l.checked.open))];
  const unanswered = open.filter((key) => !reasons[key]?.trim()).length;
  const tags = [`visit:${view.visit}`, "queue", "print_jobs", "status"];
  const print = useWrite((lines: string[]) => api.printLabels(view.visit, lines), tags);
  /** Labels first: nothing is handed over without one. What has been asked for already is not printed again. */
  const handOver = useWrite(async (pin: string) => {
    if (hasPrinter && unprinted.length > 0) await api.printLabels(view.visit, unprinted);
    const given = open.map((finding_key) => ({ finding_key, reason: reasons[finding_key]?.trim() ?? "" }));
    await api.handOver({ visit: view.visit, lines: ids, reasons: given, pin });
  }, tags);
  const isDone = left.length === 0;
  const verb = hasPrinter ? t("dispense.handOver") : t("dispense.handOverOnly");
  const done = useRef<HTMLParagraphElement>(null);
  const wasDone = useRef(isDone);
  useEffect(() => {
    if (isDone) setAsking(false);
    // The button that had the focus is gone: what it did is read out instead.
    if (isDone && !wasDone.current) done.current?.focus();
    wasDone.current = isDone;
  }, [isDone]);

  return (
    <>
      <section className={`${page.card} ${styles.lines}`} aria-label={t("dispense.prescription")}>
        <div className={styles.head}>
          <PatientHead banner={view.banner} canAsk narrow aside={<Badge tone="accent">{view.token}</Badge>} />
        </div>
        {view.dispensed_twice && (
          <p className={styles.twice} role="alert">
            <IconAlertTriangle size="1.25rem" aria-hidden />
            {t("dispense.twice")}
            <Button variant="default" className={page.push} onClick={() => void navigate({ to: "/conflicts", search: { patient: view.banner.id } })}>
              {t("dispense.twiceOpen")}
            </Button>
          </p>
        )}
        {view.reversed.map(({ serial, by, reversed_by, reason }) => (
          <p key={serial} className={styles.reversed} data-reversed={serial}>
            {t("dispense.reversed", { serial, name: by, by: reversed_by, reason })}
          </p>
        ))}
        {view.dispensed && (
          <p className={styles.done} role="status" data-testid="dispensed" ref={done} tabIndex={-1}>
            <IconCheck size="1.25rem" aria-hidden />
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
              reasons={reasons}
              onReason={(key, reason) => setReasons((old) => ({ ...old, [key]: reason }))}
            />
          ))}
        </div>
      </section>
      <section className={`${page.card} ${styles.label}`} aria-label={t("dispense.label.title")}>
        <LabelPreview visit={view.visit} line={chosen} name={view.lines.find((l) => l.checked.line.id === chosen)?.checked.line.drug_name ?? ""} />
        <div className={styles.actions}>
          <ErrorNote error={print.error} />
          {!isDone && apartSince && (
            <p className={styles.warn} role="status" data-testid="apart">
              {t("dispense.apart", { at: showMoment(apartSince) })}
            </p>
          )}
          {unanswered > 0 && (
            <p className={styles.warn} id="wants-reason" role="status">
              {t("dispense.openAlerts", { count: unanswered })}
            </p>
          )}
          {hasPrinter && unprinted.length > 0 ? (
            <Button variant="default" leftSection={<IconPrinter size="1.125rem" aria-hidden />} loading={print.isPending} onClick={() => print.mutate(unprinted)}>
              {t("dispense.printOnly")}
            </Button>
          ) : (
            view.lines.some((l) => l.job !== null) && (
              <Button variant="default" leftSection={<IconPrinter size="1.125rem" aria-hidden />} onClick={onSpool}>
                {t("dispense.printAgain")}
              </Button>
            )
          )}
          {!isDone && (
            <Button
              leftSection={<IconPackage size="1.1875rem" aria-hidden />}
              disabled={going.length === 0 || unanswered > 0}
              aria-describedby={unanswered > 0 ? "wants-reason" : undefined}
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
