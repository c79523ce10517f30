import { Button } from "@mantine/core";
import { IconAlertOctagonFilled, IconCloudDown, IconHelpHexagon, IconShieldCheck } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type AllergyStatus } from "@/api";
import { useWrite } from "@/api/useWrite";
import { dayOf, showDay } from "@/lib/time";
import { AllergyDialog } from "./AllergyDialog";
import styles from "./AllergyStrip.module.css";

interface Props {
  patient: string;
  status: AllergyStatus;
  /** May this person write allergies down here? */
  canAsk: boolean;
  /** Not all of the clinic's records have come to this device: what it does not show may be known elsewhere. */
  arriving?: boolean;
  /** Allergies of which something was written apart: they stand here in their graver reading. */
  undecided?: string[];
}

/** On top of every clinical screen. Known, none known, not asked, not here yet: four states that never look alike. */
export function AllergyStrip({ patient, status, canAsk, arriving = false, undecided = [] }: Props) {
  const { t } = useTranslation();
  const [recording, setRecording] = useState(false);
  const state = status.status === "not_asked" && arriving ? "not_here" : status.status;
  const none = useWrite(() => api.noKnownAllergies(patient), [`patient:${patient}`]);
  const more = arriving && (
    <span className={styles.more}>
      <IconCloudDown size="1rem" aria-hidden />
      {t("patients.allergy.mayStillCome")}
    </span>
  );
  return (
    <section className={styles.strip} data-allergy={state} aria-label={t("patients.allergy.label")}>
      {status.status === "known" && (
        <>
          <IconAlertOctagonFilled size="1.5rem" className={styles.icon} aria-hidden />
          <strong className={styles.word}>{t("patients.allergy.known")}</strong>
          <ul className={styles.list}>
            {status.allergies.map((a) => (
              <li key={a.id} data-severity={a.severity}>
                <strong>{a.substance}</strong>
                {": "}
                {t(`patients.allergy.severity.${a.severity}`)}
                {a.reaction && <span className={styles.reaction}>{a.reaction}</span>}
                <span className={styles.source}>
                  {t(`patients.allergy.verification.${a.verification}`, { year: dayOf(a.recorded_at).slice(0, 4) })}
                </span>
                {undecided.includes(a.id) && <span className={styles.undecided}>{t("conflicts.strip.allergy")}</span>}
              </li>
            ))}
            {more && <li>{more}</li>}
          </ul>
        </>
      )}
      {status.status === "none_known" && (
        <>
          <IconShieldCheck size="1.375rem" className={styles.icon} aria-hidden />
          <span className={styles.plain}>
            {t("patients.allergy.noneKnown")} <span className={styles.source}>{t("patients.allergy.askedOn", { day: showDay(status.asked_on) })}</span>
          </span>
          {more}
        </>
      )}
      {state === "not_asked" && (
        <>
          <IconHelpHexagon size="1.5rem" className={styles.icon} aria-hidden />
          <strong className={styles.word}>{t("patients.allergy.notAsked")}</strong>
          <span className={styles.plain}>{t("patients.allergy.notAskedHelp")}</span>
        </>
      )}
      {state === "not_here" && (
        <>
          <span className={styles.tile}>
            <IconCloudDown size="1.5rem" aria-hidden />
          </span>
          <p className={styles.told}>
            <strong className={styles.word}>{t("patients.allergy.notHere")}</strong> <span className={styles.plain}>{t("patients.allergy.notHereHelp")}</span>
          </p>
        </>
      )}
      {canAsk && (
        <span className={styles.actions}>
          {/* While more may come, "none" could speak against what is known elsewhere. */}
          {state === "not_asked" && (
            <Button variant="default" size="compact-md" h={36} loading={none.isPending} onClick={() => none.mutate()}>
              {t("patients.allergy.sayNone")}
            </Button>
          )}
          <Button variant={status.status === "not_asked" ? "default" : "subtle"} color="gray" size="compact-md" h={36} onClick={() => setRecording(true)}>
            {t("patients.allergy.record")}
          </Button>
        </span>
      )}
      {recording && <AllergyDialog patient={patient} undecided={undecided.length > 0} onClose={() => setRecording(false)} />}
    </section>
  );
}
