import { IconChevronRight, IconShieldQuestion } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Badge } from "@/components/Badge";
import page from "@/components/Page.module.css";
import { ago } from "@/lib/time";
import styles from "./Network.module.css";

interface Props {
  row: { clinic_name: string; verified: boolean; came_at: string };
  /** Who wrote it, and what more is known before it is opened. */
  about: string;
  /** What must be seen before it is opened. */
  mark?: ReactNode;
  /** How far it is. */
  state: ReactNode;
  label: string;
  disabled: boolean;
  /** For tests and pictures. */
  data: Record<`data-${string}`, string | boolean>;
  onOpen: () => void;
}

/** Something that another clinic has sent, to be opened. */
export function CameRow({ row, about, mark, state, label, disabled, data, onOpen }: Props) {
  const { t } = useTranslation();
  return (
    <button type="button" className={styles.received} disabled={disabled} {...data} onClick={onOpen} aria-label={label}>
      <span className={styles.receivedWho}>
        <strong>{row.clinic_name || t("network.letters.unknownClinic")}</strong>
        <span className={page.muted}>{about}</span>
      </span>
      <span className={styles.receivedWhat}>
        <span>{ago(row.came_at)}</span>
        <span className={styles.badges}>
          {mark}
          {!row.verified && (
            <Badge tone="amber" icon={<IconShieldQuestion size="0.875rem" aria-hidden />}>
              {t("network.trust.unverified")}
            </Badge>
          )}
        </span>
      </span>
      {state}
      <IconChevronRight size="1.25rem" aria-hidden />
    </button>
  );
}
