import { Button, NumberInput, Select, Switch, Textarea, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type Frequency, type OverrideReason, type PrescriptionLine } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { FindingNote } from "@/components/FindingNote";
import { unitWords } from "@/components/lineWords";
import { FREQUENCIES, suggestedQuantity } from "@/lib/quantity";
import styles from "./Prescription.module.css";

interface Props {
  visit: string;
  start: PrescriptionLine;
  isNew: boolean;
  onDone: () => void;
  onChooseAnother: () => void;
}

/** One medicine: dose, how often, how long, and what the checks say to it. A serious alert wants a reason first. */
export function LineEditor({ visit, start, isNew, onDone, onChooseAnother }: Props) {
  const { t } = useTranslation();
  const [line, setLine] = useState(start);
  const [ownQuantity, setOwnQuantity] = useState(!isNew);
  const [reasons, setReasons] = useState<Record<string, string>>(() => Object.fromEntries(start.overrides.map((o) => [o.finding_key, o.reason])));
  const [opened, setOpened] = useState<string[]>(() => start.overrides.map((o) => o.finding_key));
  const [settled] = useDebouncedValue(line, 150);
  const check = useQuery(queries.checkLine(visit, settled));
  const prescribe = useWrite(api.prescribe, [`visit:${visit}`]);

  const set = (change: Partial<PrescriptionLine>) =>
    setLine((old) => {
      const next = { ...old, ...change };
      return ownQuantity || "quantity" in change ? next : { ...next, quantity: suggestedQuantity(next.units_per_dose, next.frequency, next.days) };
    });

  const findings = check.data ?? [];
  const unanswered = findings.filter((f) => f.needs_reason && !reasons[f.key]?.trim());
  // Not before the checks have answered to what stands here now.
  const checked = check.isSuccess && !check.isPlaceholderData && settled === line;
  const submit = () => {
    const given: OverrideReason[] = findings.filter((f) => f.needs_reason).map((f) => ({ finding_key: f.key, reason: reasons[f.key]?.trim() ?? "" }));
    prescribe.mutate({ visit, line, reasons: given }, { onSuccess: onDone });
  };

  return (
    <div className={styles.editor} data-testid="line-editor">
      <p className={styles.drug}>{line.drug_name}</p>
      {findings.map((f) => (
        <FindingNote key={f.key} finding={f}>
          {f.needs_reason &&
            (opened.includes(f.key) ? (
              <Textarea
                label={t("consult.rx.reason")}
                autosize
                minRows={1}
                autoFocus={isNew}
                value={reasons[f.key] ?? ""}
                onChange={(e) => {
                  const { value } = e.currentTarget;
                  setReasons((old) => ({ ...old, [f.key]: value }));
                }}
              />
            ) : (
              <div className={styles.answers}>
                <Button variant="default" onClick={onChooseAnother}>
                  {t("consult.rx.chooseAnother")}
                </Button>
                <Button variant="subtle" color="red" onClick={() => setOpened((o) => [...o, f.key])}>
                  {t("consult.rx.override")}
                </Button>
              </div>
            ))}
        </FindingNote>
      ))}
      <div className={styles.fields}>
        <NumberInput
          label={t("consult.rx.dose")}
          autoFocus
          suffix={` ${unitWords(line.unit, line.units_per_dose)}`}
          min={0}
          decimalScale={2}
          value={line.units_per_dose}
          onChange={(v) => set({ units_per_dose: Number(v) || 0 })}
        />
        <Select
          label={t("consult.rx.frequency")}
          value={line.frequency}
          onChange={(v) => v && set({ frequency: v as Frequency })}
          data={FREQUENCIES.map((value) => ({ value, label: t(`consult.frequency.${value}`) }))}
        />
        <NumberInput label={t("consult.rx.days")} min={1} allowDecimal={false} value={line.days} onChange={(v) => set({ days: Number(v) || 0 })} />
        <NumberInput
          label={t("consult.rx.quantity")}
          suffix={` ${unitWords(line.unit, line.quantity)}`}
          min={0}
          allowDecimal={false}
          value={line.quantity}
          onChange={(v) => {
            setOwnQuantity(true);
            set({ quantity: Number(v) || 0 });
          }}
        />
      </div>
      <Switch className={styles.switch} label={t("consult.rx.whenNeeded")} checked={line.when_needed} onChange={(e) => set({ when_needed: e.currentTarget.checked })} />
      <div className={styles.fields}>
        <TextInput label={t("consult.rx.indication")} value={line.indication} onChange={(e) => set({ indication: e.currentTarget.value })} />
        <TextInput label={t("consult.rx.advice")} value={line.advice} onChange={(e) => set({ advice: e.currentTarget.value })} />
      </div>
      <ErrorNote error={prescribe.error ?? check.error} />
      {unanswered.length > 0 && (
        <p className={styles.wants} role="status" id="wants-reason">
          {t("consult.rx.wantsReason", { count: unanswered.length })}
        </p>
      )}
      <div className={styles.editorActions}>
        <Button variant="default" onClick={onDone}>
          {t("common.cancel")}
        </Button>
        <Button
          disabled={unanswered.length > 0 || !checked || line.units_per_dose <= 0 || line.quantity <= 0 || line.days <= 0}
          aria-describedby={unanswered.length > 0 ? "wants-reason" : undefined}
          loading={prescribe.isPending}
          onClick={submit}
        >
          {isNew ? t("consult.rx.add") : t("consult.rx.save")}
        </Button>
      </div>
    </div>
  );
}
