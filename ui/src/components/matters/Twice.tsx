import { Button } from "@mantine/core";
import { IconCopy } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DispensingView, MatterKind, MatterView, SignatureView } from "@/api";
import { unitWords } from "@/components/lineWords";
import styles from "./Matter.module.css";
import { Reverse } from "./Reverse";
import { handWords } from "./words";

/** Two signatures of one visit, or two handings-over of one medicine: both stand until a person reverses one. */
export function Twice({ matter, what }: { matter: MatterView; what: Extract<MatterKind, { kind: "signed_twice" | "dispensed_twice" }> }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState<string | null>(null);
  const way = what.kind === "signed_twice" ? "signed" : "dispensed";
  const reverse = (fact: string, label: string) =>
    matter.may_decide && (
      <Button variant="light" color="gray" className={styles.do} aria-label={label} onClick={() => setAsking(fact)}>
        {t(`conflicts.${way}.reverse`)}
      </Button>
    );
  return (
    <>
      <h3 className={styles.title}>
        <IconCopy size="1.25rem" aria-hidden />
        {t(`conflicts.${way}.title`)}
      </h3>
      <p className={styles.help}>{t(`conflicts.${way}.help`)}</p>
      <ul className={styles.sides}>
        {what.kind === "signed_twice"
          ? what.signatures.map((one) => (
              <li key={one.fact} className={styles.side}>
                <Signature one={one} />
                {reverse(one.fact, t("conflicts.signed.reverseOf", { who: handWords(one.by) }))}
              </li>
            ))
          : what.dispensings.map((one) => (
              <li key={one.fact} className={styles.side}>
                <Dispensing one={one} />
                {reverse(one.fact, t("conflicts.dispensed.reverseOf", { serial: one.serial }))}
              </li>
            ))}
      </ul>
      {asking && <Reverse matter={matter} way={way} fact={asking} onClose={() => setAsking(null)} />}
    </>
  );
}

function Signature({ one }: { one: SignatureView }) {
  const { t } = useTranslation();
  const { subjective, objective, assessment, plan } = one.note;
  const words = [...subjective, ...objective, ...assessment, ...plan].map((sentence) => sentence.text);
  return (
    <>
      <p className={styles.value}>{handWords(one.by)}</p>
      <p>{words.join(" ")}</p>
      {one.diagnoses.length > 0 && <p>{one.diagnoses.join(", ")}</p>}
      <p className={styles.hand}>{`${t("conflicts.signed.medicines")}: ${one.medicines.join(", ") || t("conflicts.signed.noMedicines")}`}</p>
    </>
  );
}

function Dispensing({ one }: { one: DispensingView }) {
  const { t } = useTranslation();
  return (
    <>
      <p className={styles.value}>{t("conflicts.dispensed.serial", { serial: one.serial })}</p>
      <p className={styles.hand}>{handWords(one.by)}</p>
      <ul className={styles.items}>
        {one.items.map((item) => (
          <li key={item.name}>{t("conflicts.dispensed.item", { name: item.name, quantity: item.quantity, unit: unitWords(item.unit, item.quantity) })}</li>
        ))}
      </ul>
    </>
  );
}
