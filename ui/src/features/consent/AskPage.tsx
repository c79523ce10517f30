import { IconBuildingHospital, IconHeartHandshake } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import styles from "./Consent.module.css";
import { ReadAloud } from "./ReadAloud";

/** Who asks, and that she may say no. */
export function AskPage({ name, clinic, own }: { name: string; clinic: string; own: string }) {
  const { t } = useTranslation();
  const words = [t("consent.ask.title", { clinic }), t("consent.ask.what", { own, clinic }), t("consent.ask.free"), t("consent.ask.stop")];
  return (
    <section className={styles.ask}>
      <div className={styles.picture} aria-hidden>
        <IconBuildingHospital size="4.5rem" stroke={1.2} />
        <IconHeartHandshake size="3.5rem" stroke={1.3} />
        <IconBuildingHospital size="4.5rem" stroke={1.2} />
      </div>
      <p className={styles.hello}>{name}</p>
      <h1 className={styles.title}>{words[0]}</h1>
      <p>{words[1]}</p>
      <p>{words[2]}</p>
      <p className={styles.strong}>{words[3]}</p>
      <ReadAloud text={words.join(" ")} />
    </section>
  );
}
