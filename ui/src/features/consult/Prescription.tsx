import { Button } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { IconPencil, IconPill, IconTrash } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type CheckedLine, type PrescriptionLine, type ProductChoice, type VisitView } from "@/api";
import { useWrite } from "@/api/useWrite";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import { FindingNote } from "@/components/FindingNote";
import { doseWords, lengthWords } from "@/components/lineWords";
import { notifyUndo } from "@/components/notify";
import { OverrideNote } from "@/components/OverrideNote";
import { suggestedQuantity } from "@/lib/quantity";
import { uuidv7 } from "@/lib/uuid";
import { LineEditor } from "./LineEditor";
import styles from "./Prescription.module.css";
import { ProductSearch } from "./ProductSearch";

function lineOf(product: ProductChoice): PrescriptionLine {
  return {
    id: uuidv7(),
    drug_key: product.key,
    drug_name: product.name,
    strength: product.strength_mg,
    unit: product.unit,
    units_per_dose: 1,
    route: product.route,
    frequency: "three_times_daily",
    when_needed: false,
    days: 3,
    quantity: suggestedQuantity(1, "three_times_daily", 3),
    indication: "",
    advice: "",
    overrides: [],
  };
}

/** What is prescribed, with what the checks say; below it the one thing that ends the consult. */
export function Prescription({ view, signed, footer }: { view: VisitView; signed: boolean; footer: ReactNode }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { drug } = useSearch({ strict: false }) as { drug?: string };
  const [editing, setEditing] = useState<{ line: PrescriptionLine; isNew: boolean } | null>(null);
  /** After a line was edited, the next one is searched for. */
  const [edited, setEdited] = useState(false);
  const remove = useWrite((line: string) => api.removeLine(view.visit, line), [`visit:${view.visit}`]);
  const again = useWrite(api.prescribe, [`visit:${view.visit}`]);
  const done = () => {
    setEditing(null);
    setEdited(true);
    if (drug) void navigate({ to: "/consult/$visit", params: { visit: view.visit }, search: {}, replace: true });
  };
  const takeOff = ({ line }: CheckedLine) =>
    remove.mutate(line.id, {
      onSuccess: () =>
        notifyUndo(`removed-${line.id}`, t("consult.rx.removed", { name: line.drug_name }), () =>
          again.mutate({ visit: view.visit, line, reasons: line.overrides.map(({ finding_key, reason }) => ({ finding_key, reason })) }),
        ),
    });

  return (
    <section className={styles.rx} aria-label={t("consult.rx.title")}>
      <h2 className={styles.title}>{t("consult.rx.title")}</h2>
      <div className={styles.body}>
        {!signed &&
          (editing ? (
            <LineEditor key={editing.line.id} visit={view.visit} start={editing.line} isNew={editing.isNew} onDone={done} onChooseAnother={done} />
          ) : (
            <ProductSearch start={drug ?? ""} focused={edited} onChoose={(product) => setEditing({ line: lineOf(product), isNew: true })} />
          ))}
        <ErrorNote error={remove.error ?? again.error} />
        {view.lines
          .filter((l) => l.line.id !== editing?.line.id)
          .map((checked) => (
            <article key={checked.line.id} className={styles.line} data-line={checked.line.drug_key} data-open={checked.open.length > 0}>
              <div className={styles.lineTop}>
                <div className={styles.lineWords}>
                  <p className={styles.drug}>{checked.line.drug_name}</p>
                  <p>{doseWords(checked.line)}</p>
                  <p className={styles.muted}>{[lengthWords(checked.line), checked.line.indication].filter(Boolean).join(" · ")}</p>
                </div>
                {!signed && (
                  <div className={styles.lineActions}>
                    <button type="button" className={styles.icon} onClick={() => setEditing({ line: checked.line, isNew: false })} aria-label={t("consult.rx.edit", { name: checked.line.drug_name })}>
                      <IconPencil size="1.125rem" aria-hidden />
                    </button>
                    <button type="button" className={styles.icon} onClick={() => takeOff(checked)} aria-label={t("consult.rx.remove", { name: checked.line.drug_name })}>
                      <IconTrash size="1.125rem" aria-hidden />
                    </button>
                  </div>
                )}
              </div>
              {checked.findings.map((f) => {
                const override = checked.line.overrides.find((o) => o.finding_key === f.key);
                return (
                  <FindingNote key={f.key} finding={f}>
                    {override && <OverrideNote override={override} />}
                    {checked.open.includes(f.key) && !signed && (
                      <Button variant="default" onClick={() => setEditing({ line: checked.line, isNew: false })}>
                        {t("consult.rx.giveReason")}
                      </Button>
                    )}
                  </FindingNote>
                );
              })}
            </article>
          ))}
        {view.lines.length === 0 && !editing && (
          <EmptyState icon={IconPill} title={signed ? t("consult.rx.noneSigned") : t("consult.rx.empty")} help={signed ? t("consult.rx.noneSignedHelp") : t("consult.rx.emptyHelp")} />
        )}
      </div>
      {!editing && <div className={styles.footer}>{footer}</div>}
    </section>
  );
}
