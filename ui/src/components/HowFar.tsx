import { Progress } from "@mantine/core";
import { useTranslation } from "react-i18next";
import styles from "./HowFar.module.css";

interface Props {
  /** What is being done, all of it. */
  what: string;
  /** The part of it that is under way; `null` before anything was told. */
  now: { stage: string; percent: number } | null;
}

/** Long work that cannot be hurried: what, which part of it, how far. */
export function HowFar({ what, now }: Props) {
  const { t } = useTranslation();
  const percent = now?.percent ?? 0;
  return (
    <div className={styles.howFar} data-testid="how-far">
      <p>{what}</p>
      <Progress value={percent} size="lg" aria-label={what} />
      <p className={styles.note}>{now ? `${now.stage} · ${t("common.percent", { n: percent })}` : t("common.percent", { n: 0 })}</p>
    </div>
  );
}
