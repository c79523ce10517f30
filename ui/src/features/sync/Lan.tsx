import { Switch } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconCheck, IconPlugConnectedX, IconRefresh } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { api, type DeviceSettings, type LanView, type PeerView, type SyncHealth } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import type { May } from "@/lib/may";
import { ago } from "@/lib/time";
import { Addresses } from "./Addresses";
import styles from "./Sync.module.css";

/** The clinic's devices on the same network: whether they are looked for, where they are, who is there. */
export function Lan({ sync, may }: { sync: SyncHealth; may: May }) {
  const { t } = useTranslation();
  const settings = useQuery(queries.deviceSettings());
  const save = useWrite((next: DeviceSettings) => api.saveDeviceSettings(next), ["settings", "status"]);
  const toggle = (lan_enabled: boolean) => settings.data && save.mutate({ ...settings.data, lan_enabled });
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="sync-lan" data-lan={sync.lan.state}>
      <h2 className={page.h2} id="sync-lan">
        {t("sync.lan.title")}
      </h2>
      <p className={page.muted}>{t("sync.lan.help")}</p>
      <Switch
        size="md"
        className={styles.switch}
        label={t("sync.lan.switch")}
        description={may.changeDevice ? undefined : t("sync.lan.onlyAdmin")}
        checked={settings.data?.lan_enabled ?? false}
        disabled={!may.changeDevice || !settings.data || save.isPending}
        onChange={(e) => toggle(e.currentTarget.checked)}
      />
      <ErrorNote error={settings.error ?? save.error} />
      <State lan={sync.lan} />
      {sync.lan.state !== "off" && <Peers peers={sync.peers} />}
      {settings.data && <Addresses settings={settings.data} may={may} />}
    </section>
  );
}

function State({ lan }: { lan: LanView }) {
  const { t } = useTranslation();
  const isTwice = lan.state === "failed" && lan.code === "device_twice";
  return (
    <p role="status" className={lan.state === "failed" ? styles.problem : styles.said}>
      {isTwice
        ? t("sync.lan.state.deviceTwice")
        : t(`sync.lan.state.${lan.state}`, { port: lan.state === "listening" ? lan.port : "" })}
      {lan.state === "failed" && !isTwice && ` ${t("sync.lan.state.noPort")}`}
    </p>
  );
}

function Peers({ peers }: { peers: PeerView[] }) {
  const { t } = useTranslation();
  if (peers.length === 0) return <p className={page.muted}>{t("sync.lan.none")}</p>;
  return (
    <div>
      <h3 className={styles.h3}>{t("sync.lan.peers")}</h3>
      <ul className={styles.rows}>
        {peers.map((peer) => (
          <li key={peer.device} className={styles.row} data-peer={peer.device} data-state={!peer.connected ? "away" : peer.equal ? "equal" : "exchanging"}>
            <strong>{t("sync.lan.device", { letter: peer.device })}</strong>
            <span className={page.muted}>{t(`sync.lan.found.${peer.found}`)}</span>
            <span className={page.push}>
              <PeerState peer={peer} />
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function PeerState({ peer }: { peer: PeerView }) {
  const { t } = useTranslation();
  if (!peer.connected) return <Badge icon={<IconPlugConnectedX size="0.875rem" aria-hidden />}>{peer.last_contact ? t("sync.lan.gone", { ago: ago(peer.last_contact) }) : t("sync.lan.never")}</Badge>;
  return peer.equal ? (
    <Badge tone="green" icon={<IconCheck size="0.875rem" aria-hidden />}>
      {`${t("sync.lan.connected")} · ${t("sync.lan.equal")}`}
    </Badge>
  ) : (
    <Badge tone="accent" icon={<IconRefresh size="0.875rem" aria-hidden />}>
      {`${t("sync.lan.connected")} · ${t("sync.lan.unequal")}`}
    </Badge>
  );
}
