import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { IconArrowsSplit2 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import styles from "./UndecidedStrip.module.css";

/** Under a patient's name while something about her was written apart and nobody has decided. */
export function UndecidedStrip({ patient, count }: { patient: string; count: number }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  if (count === 0) return null;
  return (
    <div className={styles.strip} role="status" data-testid="undecided">
      <IconArrowsSplit2 size="1.25rem" aria-hidden />
      <p>{t("conflicts.strip.count", { count })}</p>
      <Button variant="default" size="compact-md" h="2.75rem" className={styles.open} onClick={() => void navigate({ to: "/conflicts", search: { patient } })}>
        {t("conflicts.strip.open")}
      </Button>
    </div>
  );
}
