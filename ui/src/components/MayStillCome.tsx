import { IconCloudDown } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useArriving } from "@/api/useArriving";
import styles from "./MayStillCome.module.css";

interface Props {
  /** What may come, where that is not plain from the place. */
  words?: string;
}

/** At a list, empty or not, that is not the whole truth while not all of the clinic's records have come; nothing afterwards. */
export function MayStillCome({ words }: Props) {
  const { t } = useTranslation();
  if (useArriving() === null) return null;
  return (
    <p className={styles.note} data-testid="may-still-come">
      <IconCloudDown size="1rem" aria-hidden />
      <span>{words ?? t("common.mayStillCome")}</span>
    </p>
  );
}
