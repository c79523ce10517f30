import { Button, TextInput } from "@mantine/core";
import { IconArrowBackUp, IconEraser } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type MatterKind, type MatterView } from "@/api";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import { notify } from "@/components/notify";
import styles from "./Matter.module.css";
import { handWords, isAllergy, tagsOf, valueWords } from "./words";

/** Removed on one device, edited on another: it comes back as it was edited, or stays removed. */
export function Removed({ matter, what }: { matter: MatterView; what: Extract<MatterKind, { kind: "removed" }> }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState("");
  const decide = useWrite((put_back: boolean) => api.decideRemoved({ key: matter.key, put_back, reason: reason.trim() }), tagsOf(matter));
  const choose = (put_back: boolean) => decide.mutate(put_back, { onSuccess: () => notify(t("conflicts.decided")) });
  const allergy = isAllergy(matter);
  return (
    <>
      <h3 className={styles.title}>
        <IconEraser size="1.25rem" aria-hidden />
        {allergy ? t("conflicts.removed.allergy", { of: what.of }) : t("conflicts.removed.line", { of: what.of })}
      </h3>
      <p className={styles.help}>{allergy ? t("conflicts.removed.allergyCounts") : t("conflicts.removed.lineOff")}</p>
      <ul className={styles.sides}>
        <li className={styles.side}>
          <p className={styles.value}>{t("conflicts.removed.by")}</p>
          {what.removed_by && <p className={styles.hand}>{handWords(what.removed_by)}</p>}
          {matter.may_decide && (
            <Button variant="light" color="gray" className={styles.do} leftSection={<IconEraser size="1.0625rem" aria-hidden />} disabled={decide.isPending} onClick={() => choose(false)}>
              {t("conflicts.removed.leaveOut")}
            </Button>
          )}
        </li>
        <li className={styles.side}>
          <p className={styles.value}>{t("conflicts.removed.editedBy")}</p>
          {what.edited_by && <p className={styles.hand}>{handWords(what.edited_by)}</p>}
          <dl className={styles.changes}>
            {what.edited.map(({ field, before, now }) => (
              <div key={field}>
                <dt>{t(`conflicts.field.${field}`)}</dt>
                <dd>{`${t("conflicts.removed.was")}: ${valueWords(field, before)}`}</dd>
                <dd>
                  <strong>{`${t("conflicts.removed.now")}: ${valueWords(field, now)}`}</strong>
                </dd>
              </div>
            ))}
          </dl>
          {matter.may_decide && (
            <Button variant="light" className={styles.do} leftSection={<IconArrowBackUp size="1.0625rem" aria-hidden />} disabled={decide.isPending} onClick={() => choose(true)}>
              {t("conflicts.removed.putBack")}
            </Button>
          )}
        </li>
      </ul>
      {matter.may_decide && <TextInput className={styles.reason} label={t("conflicts.reason")} value={reason} onChange={(e) => setReason(e.currentTarget.value)} />}
      <ErrorNote error={decide.error} />
    </>
  );
}
