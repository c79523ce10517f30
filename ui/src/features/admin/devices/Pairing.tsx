import { Button, CopyButton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconCheck, IconDeviceTabletPlus } from "@tabler/icons-react";
import i18next from "i18next";
import { useTranslation } from "react-i18next";
import { api, type PairingOffer, type PairingState } from "@/api";
import { useWrite } from "@/api/useWrite";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { Qr } from "@/components/Qr";
import { relayWords } from "@/components/syncWords";
import { clock } from "@/lib/time";
import { useNow } from "@/lib/useNow";
import styles from "../Admin.module.css";

/** Lets one further device in, by a code that works once and for ten minutes. */
export function Pairing() {
  const { t } = useTranslation();
  const offer = useWrite(() => api.offerPairing());
  const pairing = useQuery({
    queryKey: ["pairing", offer.data?.code],
    queryFn: () => api.pairingState(),
    enabled: offer.data !== undefined,
    meta: { tags: ["pairing"] },
    refetchInterval: (query) => (query.state.data === "waiting" || query.state.data === undefined ? 1500 : false),
  });
  return (
    <div className={`${page.card} ${styles.box} ${styles.pairing}`} data-testid="pairing">
      <ErrorNote error={offer.error} />
      {pairing.data === "done" ? (
        <EmptyState icon={IconCheck} title={t("admin.devices.done")} help={t("admin.devices.doneHelp")}>
          <Button variant="default" onClick={() => offer.reset()}>
            {t("admin.devices.another")}
          </Button>
        </EmptyState>
      ) : offer.data ? (
        <Offer offer={offer.data} ended={pairing.data === "waiting" ? undefined : pairing.data} onAgain={() => offer.mutate()} />
      ) : (
        <EmptyState icon={IconDeviceTabletPlus} title={t("admin.devices.title")} help={t("admin.devices.help")}>
          <Button loading={offer.isPending} onClick={() => offer.mutate()}>
            {t("admin.devices.offer")}
          </Button>
        </EmptyState>
      )}
    </div>
  );
}

type Ended = Exclude<PairingState, "waiting" | "done">;

/** How it ended without a new device, and what there is to do. */
function endWords(ended: Ended | undefined): { title: string; help: string } {
  if (ended === "suspended") return relayWords("suspended");
  if (ended === "no_place") return { title: i18next.t("admin.devices.noPlace"), help: i18next.t("admin.devices.noPlaceHelp") };
  return { title: ended === "failed" ? i18next.t("admin.devices.failed") : i18next.t("admin.devices.expired"), help: i18next.t("admin.devices.failedHelp") };
}

function Offer({ offer, ended, onAgain }: { offer: PairingOffer; ended: Ended | undefined; onAgain: () => void }) {
  const { t } = useTranslation();
  const now = useNow(1000);
  const left = new Date(offer.expires_at).getTime() - now;
  if (ended || left <= 0) {
    const { title, help } = endWords(ended);
    return (
      <EmptyState icon={IconDeviceTabletPlus} title={title} help={help}>
        <Button onClick={onAgain}>{t("admin.devices.again")}</Button>
      </EmptyState>
    );
  }
  return (
    <div className={styles.offer}>
      <div className={styles.offerPicture}>
        <Qr svg={offer.qr_svg} label={t("admin.devices.qr")} />
        <CopyButton value={offer.ticket}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? t("common.copied") : t("admin.devices.copyTicket")}
            </Button>
          )}
        </CopyButton>
      </div>
      <div className={styles.offerWords}>
        <h2 className={page.h2}>{t("admin.devices.onNew")}</h2>
        <ol className={styles.steps}>
          <li>{t("admin.devices.step1")}</li>
          <li>{t("admin.devices.step2")}</li>
          <li>
            {t("admin.devices.step3")} <code data-testid="pairing-relay">{offer.relay}</code>
          </li>
        </ol>
        <p className={styles.code} data-testid="pairing-code">
          {offer.code}
        </p>
        <p className={page.muted} role="status">
          {t("admin.devices.waiting", { left: clock(left) })}
        </p>
      </div>
    </div>
  );
}
