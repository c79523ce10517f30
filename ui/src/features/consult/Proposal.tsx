import { Button } from "@mantine/core";
import { IconAlertOctagon, IconSparkles, IconTemperature } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DraftProposal, Heard, MentionedAllergy, Vitals } from "@/api";
import { AllergyDialog } from "@/components/AllergyDialog";
import styles from "./Consult.module.css";
import { PlayChip } from "./Section";
import { vitalsWords } from "./Vitals";

interface Props {
  patient: string;
  proposal: DraftProposal;
  left: number;
  onAll: () => void;
  onDismiss: () => void;
  onVitals: (vitals: Vitals) => void;
  onPlay: (heard: Heard) => void;
}

/** What was heard, offered: nothing enters the record by itself. */
export function Proposal({ patient, proposal, left, onAll, onDismiss, onVitals, onPlay }: Props) {
  const { t } = useTranslation();
  const [said, setSaid] = useState<MentionedAllergy | null>(null);
  const [handled, setHandled] = useState<string[]>([]);
  const [vitalsTaken, setVitalsTaken] = useState(false);
  const vitals = vitalsWords(proposal.vitals, t);
  const allergies = proposal.allergies.filter((a) => !handled.includes(a.substance));
  return (
    <div className={styles.proposal}>
      {left > 0 && (
        <div className={styles.offer}>
          <IconSparkles size="1.125rem" aria-hidden />
          <span>{t("consult.draft.offer", { count: left })}</span>
          <span className={styles.push} />
          <Button size="compact-md" h={36} variant="subtle" color="gray" onClick={onDismiss}>
            {t("consult.draft.dismissAll")}
          </Button>
          <Button size="compact-md" h={36} variant="light" onClick={onAll}>
            {t("consult.draft.acceptAll")}
          </Button>
        </div>
      )}
      {vitals && !vitalsTaken && (
        <div className={styles.offer}>
          <IconTemperature size="1.125rem" aria-hidden />
          <span>{t("consult.draft.vitals", { vitals })}</span>
          <span className={styles.push} />
          <Button
            size="compact-md"
            h={36}
            variant="light"
            onClick={() => {
              onVitals(proposal.vitals);
              setVitalsTaken(true);
            }}
          >
            {t("consult.draft.takeVitals")}
          </Button>
        </div>
      )}
      {allergies.map((a) => (
        <div key={a.substance} className={styles.offer} data-allergy>
          <IconAlertOctagon size="1.125rem" aria-hidden />
          <span>{t("consult.draft.allergy", { substance: a.substance, reaction: a.reaction || "–" })}</span>
          <PlayChip heard={a.heard} onPlay={onPlay} />
          <span className={styles.push} />
          <Button size="compact-md" h={36} variant="subtle" color="gray" onClick={() => setHandled([...handled, a.substance])}>
            {t("consult.draft.dismissOne")}
          </Button>
          <Button size="compact-md" h={36} variant="default" onClick={() => setSaid(a)}>
            {t("consult.draft.recordAllergy")}
          </Button>
        </div>
      ))}
      {said && (
        <AllergyDialog
          patient={patient}
          said={said}
          onClose={() => {
            setHandled([...handled, said.substance]);
            setSaid(null);
          }}
        />
      )}
    </div>
  );
}
