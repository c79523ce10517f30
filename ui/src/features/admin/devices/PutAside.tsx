import { Button } from "@mantine/core";
import { IconArchive, IconEyeCheck } from "@tabler/icons-react";
import i18next from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { QuarantinedView } from "@/api";
import { Badge } from "@/components/Badge";
import page from "@/components/Page.module.css";
import { deviceName } from "@/components/syncWords";
import { showMoment } from "@/lib/time";
import styles from "./Devices.module.css";
import { Review } from "./Review";

const REVIEWED = "after_removal";
const KINDS = ["clinic", "day", "identity", "allergies", "visit", "recording", "consents"] as const;
const REASONS: Record<string, "fork" | "numbers" | "foreign_operations" | "signature" | "refused_by_automerge" | "unknown_device" | "sealed"> = {
  fork: "fork",
  wrong_numbers: "numbers",
  foreign_operations: "foreign_operations",
  bad_signature: "signature",
  refused_by_automerge: "refused_by_automerge",
  unknown_device: "unknown_device",
  damaged: "sealed",
  malformed: "sealed",
  wrong_commitment: "sealed",
};

const nameOf = (group: QuarantinedView) => (group.letter ? deviceName(group) : i18next.t("admin.devices.other.unknownDevice"));

/** `3 of visits, 2 of allergies`. */
function kindsOf(documents: QuarantinedView["documents"]): string {
  return Object.entries(documents)
    .map(([kind, count]) => i18next.t(`admin.devices.kind.${KINDS.find((known) => known === kind) ?? "other"}`, { count: count ?? 0 }))
    .join(", ");
}

/** What was put aside: the late work of removed devices, to be decided upon, and what is not valid, to be known. */
export function PutAside({ groups, kitNeeded }: { groups: QuarantinedView[]; kitNeeded: boolean }) {
  const late = groups.filter((group) => group.reason === REVIEWED);
  const others = groups.filter((group) => group.reason !== REVIEWED);
  return (
    <>
      {late.length > 0 && <Late groups={late} kitNeeded={kitNeeded} />}
      {others.length > 0 && <Others groups={others} />}
    </>
  );
}

function Late({ groups, kitNeeded }: { groups: QuarantinedView[]; kitNeeded: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState<{ group: QuarantinedView; take: boolean } | null>(null);
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="devices-late">
      <h2 className={page.h2} id="devices-late">
        {t("admin.devices.review.title")}
      </h2>
      <ul className={styles.rows}>
        {groups.map((group) => (
          <li key={group.device} className={styles.row} data-aside={group.letter} data-reviewed={group.reviewed}>
            <IconArchive size="1.5rem" stroke={1.5} aria-hidden />
            <div className={styles.who}>
              <p className={styles.name}>
                <strong>{t("admin.devices.review.what", { count: group.count, device: nameOf(group) })}</strong>
                {group.reviewed && <Badge icon={<IconEyeCheck size="0.875rem" aria-hidden />}>{t("admin.devices.review.reviewed")}</Badge>}
              </p>
              <p>{kindsOf(group.documents)}</p>
              {group.first_at && <p className={page.muted}>{t("admin.devices.review.since", { at: showMoment(group.first_at) })}</p>}
              {group.waiting > 0 && <p className={page.muted}>{t("admin.devices.review.waiting", { count: group.waiting })}</p>}
            </div>
            <div className={styles.actions}>
              <Button variant="light" aria-label={t("admin.devices.review.takeOf", { device: nameOf(group) })} onClick={() => setAsking({ group, take: true })}>
                {t("admin.devices.review.take")}
              </Button>
              <Button variant="default" disabled={group.reviewed} aria-label={t("admin.devices.review.leaveOf", { device: nameOf(group) })} onClick={() => setAsking({ group, take: false })}>
                {t("admin.devices.review.leave")}
              </Button>
            </div>
          </li>
        ))}
      </ul>
      {asking && <Review device={asking.group.device} name={nameOf(asking.group)} take={asking.take} kitNeeded={asking.take && kitNeeded} onClose={() => setAsking(null)} />}
    </section>
  );
}

function Others({ groups }: { groups: QuarantinedView[] }) {
  const { t } = useTranslation();
  const reason = (code: string) => {
    const known = REASONS[code];
    return known ? t(`admin.devices.reason.${known}`) : t("admin.devices.reason.other", { code });
  };
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="devices-others">
      <h2 className={page.h2} id="devices-others">
        {t("admin.devices.other.title")}
      </h2>
      <ul className={styles.points}>
        {groups.map((group) => (
          <li key={`${group.reason} ${group.device}`} data-reason={group.reason}>
            <strong>{t("admin.devices.other.what", { count: group.count, device: nameOf(group) })}</strong>
            {`: ${reason(group.reason)}`}
          </li>
        ))}
      </ul>
      <p className={page.muted}>{t("admin.devices.other.help")}</p>
    </section>
  );
}
