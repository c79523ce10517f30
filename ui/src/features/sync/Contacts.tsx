import { useQuery } from "@tanstack/react-query";
import { IconCheck } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { queries } from "@/api/queries";
import { Badge } from "@/components/Badge";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { ago, showMoment } from "@/lib/time";
import styles from "./Sync.module.css";

/** Each of the clinic's other devices: when it was last heard nearby, and how new its work here is, whichever way that came. */
export function Contacts() {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.deviceContacts());
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="sync-contacts">
      <h2 className={page.h2} id="sync-contacts">
        {t("sync.contacts.title")}
      </h2>
      <p className={page.muted}>{data?.length === 0 ? t("sync.contacts.none") : t("sync.contacts.help")}</p>
      <ErrorNote error={error} />
      <ul className={styles.rows}>
        {data?.map(({ letter, name, connected, met_at, wrote_at }) => (
          <li key={letter} className={styles.row} data-contact={letter}>
            <strong>{name ? `${name} (${letter})` : t("sync.contacts.device", { letter })}</strong>
            <span className={page.muted}>{wrote_at ? t("sync.contacts.wrote", { at: showMoment(wrote_at) }) : t("sync.contacts.neverWrote")}</span>
            <span className={page.push}>
              {connected ? (
                <Badge tone="green" icon={<IconCheck size="0.875rem" aria-hidden />}>
                  {t("sync.contacts.connected")}
                </Badge>
              ) : (
                <Badge>{met_at ? t("sync.contacts.met", { ago: ago(met_at) }) : t("sync.contacts.neverMet")}</Badge>
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
