import { IconCloudDown } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useArriving } from "@/api/useArriving";
import styles from "./ArrivingStrip.module.css";

/** Above every screen of the clinic while not all of its records have come to this device: what is not shown may be elsewhere. */
export function ArrivingStrip() {
  const { t } = useTranslation();
  const percent = useArriving();
  if (percent === null) return null;
  return (
    <div className={`${styles.strip} no-print`} role="status" data-testid="arriving">
      <IconCloudDown size="1.25rem" aria-hidden />
      <p>
        <strong>{t("shell.arriving.title")}</strong> {t("shell.arriving.help")}
      </p>
      {percent > 0 && (
        // Read out with the rest, not at each percent.
        <span className={styles.percent} aria-live="off">
          {t("shell.arriving.count", { n: percent })}
        </span>
      )}
    </div>
  );
}
