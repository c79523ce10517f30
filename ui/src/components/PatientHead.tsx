import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { PatientBanner } from "@/api";
import { useArriving } from "@/api/useArriving";
import { showAge, showDay } from "@/lib/time";
import { AllergyStrip } from "./AllergyStrip";
import styles from "./PatientHead.module.css";
import { UndecidedStrip } from "./UndecidedStrip";

interface Props {
  banner: PatientBanner;
  canAsk: boolean;
  /** On the right: token, day, state. */
  aside?: ReactNode;
  /** One column of a screen that has a title of its own: the facts take a line of their own. */
  narrow?: boolean;
}

/** Who she is, in one line, and her allergies under it. */
export function PatientHead({ banner, canAsk, aside, narrow = false }: Props) {
  const { t } = useTranslation();
  const arriving = useArriving() !== null;
  const Name = narrow ? "h2" : "h1";
  const { weight, weight_on } = banner.vitals;
  const facts = [
    `${showAge(banner.age_years, banner.age_months)} · ${t(`common.sex.${banner.sex}`)}`,
    banner.birth_date ? t("patients.born", { day: showDay(banner.birth_date) }) : "",
    weight !== null ? t("patients.weightOn", { kg: weight, day: weight_on ? showDay(weight_on) : "–" }) : t("patients.noWeight"),
    banner.identifier,
  ].filter(Boolean);
  return (
    <header className={styles.head}>
      <div className={styles.line} data-narrow={narrow}>
        <Name className={styles.name}>{banner.name}</Name>
        <p className={styles.facts}>
          {facts.map((fact) => (
            <span key={fact}>{fact}</span>
          ))}
        </p>
        <div className={styles.aside}>{aside}</div>
      </div>
      <AllergyStrip patient={banner.id} status={banner.allergies} canAsk={canAsk} arriving={arriving} undecided={banner.undecided_allergies} />
      <UndecidedStrip patient={banner.id} count={banner.undecided} />
    </header>
  );
}
