import { Button, Modal, Radio } from "@mantine/core";
import { IconAlertTriangle, IconBan, IconCheck, IconClock, IconHourglassEmpty } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type GrantView } from "@/api";
import { useWrite } from "@/api/useWrite";
import { useReturnFocus } from "@/lib/focus";
import { ago, showDay, showMoment } from "@/lib/time";
import { Badge } from "./Badge";
import { CategoryList } from "./CategoryList";
import dialog from "./Dialog.module.css";
import { ErrorNote } from "./ErrorNote";
import styles from "./GrantCard.module.css";

const TONE = { active: "green", not_yet: "plain", expired: "plain", revoked: "plain" } as const;
const ICON = { active: IconCheck, not_yet: IconClock, expired: IconHourglassEmpty, revoked: IconBan };
const REASONS = ["patient", "mistake", "other"] as const;

/** What one patient shares with one clinic, and the one tap that ends it. */
export function GrantCard({ grant, withPatient = false }: { grant: GrantView; withPatient?: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const Icon = ICON[grant.state];
  return (
    <article className={styles.card} data-grant={grant.id} data-state={grant.state}>
      <div className={styles.main}>
        {withPatient && <p className={styles.patient}>{grant.patient_name}</p>}
        <p className={styles.clinic}>
          {withPatient ? t("network.grant.to", { clinic: grant.clinic_name }) : grant.clinic_name}
          <Badge tone={TONE[grant.state]} icon={<Icon size="0.875rem" aria-hidden />}>
            {t(`network.grant.state.${grant.state}`)}
          </Badge>
        </p>
        <CategoryList given={grant.terms.categories} />
        <p className={styles.terms}>
          {[
            t(`network.grant.mode.${grant.terms.mode}`),
            grant.state === "revoked" && grant.revoked_at ? t("network.grant.revokedAt", { at: showMoment(grant.revoked_at) }) : t("network.grant.until", { day: showDay(grant.terms.until) }),
            t("network.grant.givenAgo", { ago: ago(grant.granted_at) }),
            t("network.grant.releases", { count: grant.n_releases }),
          ].join(" · ")}
        </p>
        {!grant.delivered && (grant.state === "revoked" || grant.state === "active") && (
          <p className={styles.pending}>
            <IconClock size="0.9375rem" aria-hidden />
            {grant.state === "revoked" ? t("network.grant.revocationWaits") : t("network.grant.grantWaits")}
          </p>
        )}
      </div>
      {(grant.state === "active" || grant.state === "not_yet") && (
        <Button variant="default" className={styles.revoke} onClick={() => setAsking(true)} aria-label={t("network.revoke.of", { patient: grant.patient_name, clinic: grant.clinic_name })}>
          {t("network.revoke.button")}
        </Button>
      )}
      {asking && <RevokeDialog grant={grant} onClose={() => setAsking(false)} />}
    </article>
  );
}

/** A question, because this leaves the clinic and cannot be taken back. */
function RevokeDialog({ grant, onClose }: { grant: GrantView; onClose: () => void }) {
  const { t } = useTranslation();
  useReturnFocus();
  const [reason, setReason] = useState<(typeof REASONS)[number]>("patient");
  const revoke = useWrite(() => api.revokeConsent(grant.id, reason), ["sharing"]);
  return (
    <Modal opened onClose={onClose} title={t("network.revoke.title")} closeButtonProps={{ "aria-label": t("common.close") }} size={520}>
      <div className={dialog.form}>
        <p className={dialog.warning}>
          <IconAlertTriangle size="1.25rem" aria-hidden />
          <span>{t("network.revoke.what", { clinic: grant.clinic_name, patient: grant.patient_name })}</span>
        </p>
        <p className={dialog.text}>{t("network.revoke.limits", { clinic: grant.clinic_name })}</p>
        <Radio.Group label={t("network.revoke.reason")} value={reason} onChange={(v) => setReason(v as (typeof REASONS)[number])}>
          <div className={styles.reasons}>
            {REASONS.map((value) => (
              <Radio key={value} value={value} label={t(`network.revoke.reasons.${value}`)} />
            ))}
          </div>
        </Radio.Group>
        <ErrorNote error={revoke.error} />
        <div className={dialog.actions}>
          <Button variant="default" onClick={onClose} data-autofocus>
            {t("network.revoke.keep")}
          </Button>
          <Button color="red" loading={revoke.isPending} onClick={() => revoke.mutate(undefined, { onSuccess: onClose })}>
            {t("network.revoke.confirm")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
