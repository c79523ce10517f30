import { Button, NativeSelect, TextInput } from "@mantine/core";
import { IconArrowsSplit2 } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type ChosenValue, type MatterKind, type MatterView } from "@/api";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { notify } from "@/components/notify";
import styles from "./Matter.module.css";
import { CODES, handWords, isAllergy, isCoded, tagsOf, valueWords } from "./words";

/** Two values for one field, side by side, and a third that a person may type. */
export function Disputed({ matter, what }: { matter: MatterView; what: Extract<MatterKind, { kind: "disputed" }> }) {
  const { t } = useTranslation();
  const { field, of, values } = what;
  const [reason, setReason] = useState("");
  const decide = useWrite((value: ChosenValue) => api.decideConflict({ key: matter.key, value, reason: reason.trim() }), tagsOf(matter));
  const choose = (value: ChosenValue) => decide.mutate(value, { onSuccess: () => notify(t("conflicts.decided")) });
  const name = t(`conflicts.field.${field}`);
  return (
    <>
      <h3 className={styles.title}>
        <IconArrowsSplit2 size="1.25rem" aria-hidden />
        {of ? t("conflicts.disputed.title", { field: name, of }) : name}
      </h3>
      {isAllergy(matter) && <p className={styles.help}>{t("conflicts.disputed.allergy")}</p>}
      {matter.visit && <p className={styles.help}>{t("conflicts.disputed.line")}</p>}
      <ul className={styles.sides}>
        {values.map((value) => {
          const words = valueWords(field, value.text, value.beside);
          return (
            <li key={value.side} className={styles.side}>
              <p className={styles.value}>{words}</p>
              <p className={styles.hand}>{handWords(value.by)}</p>
              {matter.may_decide && (
                <Button variant="light" className={styles.do} disabled={decide.isPending} aria-label={t("conflicts.disputed.useOf", { value: words, who: handWords(value.by) })} onClick={() => choose({ kind: "side", side: value.side })}>
                  {t("conflicts.disputed.use")}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
      {matter.may_decide && (
        <>
          <TextInput className={styles.reason} label={t("conflicts.reason")} value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
          {field !== "medicine" && <Another field={field} pending={decide.isPending} onUse={(text) => choose({ kind: "typed", text })} />}
        </>
      )}
      <ErrorNote error={decide.error} />
    </>
  );
}

/** Neither of them: the right one, chosen from the list or typed. The backend says whether the field can have it. */
function Another({ field, pending, onUse }: { field: Extract<MatterKind, { kind: "disputed" }>["field"]; pending: boolean; onUse: (text: string) => void }) {
  const { t } = useTranslation();
  const coded = isCoded(field);
  const [text, setText] = useState<string>(coded ? CODES[field][0] : "");
  return (
    <details className={styles.other}>
      <summary>{t("conflicts.disputed.other")}</summary>
      <form
        className={styles.typed}
        onSubmit={(e) => {
          // Enter never decides by accident: the button does.
          e.preventDefault();
        }}
      >
        {coded ? (
          <NativeSelect label={t("conflicts.disputed.typed")} value={text} onChange={(e) => setText(e.currentTarget.value)} data={CODES[field].map((code) => ({ value: code, label: valueWords(field, code) }))} />
        ) : (
          <TextInput
            label={t("conflicts.disputed.typed")}
            type={field === "birth_date" ? "date" : "text"}
            inputMode={["units_per_dose", "days", "quantity", "temperature", "systolic", "diastolic", "weight"].includes(field) ? "decimal" : undefined}
            autoComplete="off"
            value={text}
            onChange={(e) => setText(e.currentTarget.value)}
          />
        )}
        <Button variant="default" disabled={!text.trim()} loading={pending} onClick={() => onUse(text.trim())}>
          {t("conflicts.disputed.useTyped")}
        </Button>
      </form>
    </details>
  );
}
