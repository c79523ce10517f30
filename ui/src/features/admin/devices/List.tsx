import { Button } from "@mantine/core";
import { IconBan, IconDeviceTablet, IconUserShield } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DeviceView } from "@/api";
import { Badge } from "@/components/Badge";
import page from "@/components/Page.module.css";
import { deviceName } from "@/components/syncWords";
import { ago, dayOf, showDay } from "@/lib/time";
import styles from "./Devices.module.css";
import { MakeAdmin } from "./MakeAdmin";
import { Remove } from "./Remove";
import { Rename } from "./Rename";

type Asking = "rename" | "admin" | "remove";

/** Every device that was ever let in, by its letter. */
export function List({ devices, kitNeeded }: { devices: DeviceView[]; kitNeeded: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState<{ what: Asking; id: string } | null>(null);
  const about = devices.find((device) => device.id === asking?.id);
  const ask = (what: Asking, device: DeviceView) => setAsking({ what, id: device.id });
  const close = () => setAsking(null);
  return (
    <section className={`${page.card} ${styles.box}`} aria-labelledby="devices-list">
      <h2 className={page.h2} id="devices-list">
        {t("admin.devices.list")}
      </h2>
      <ul className={styles.rows}>
        {devices.map((device) => (
          <li key={device.id} className={styles.row} data-device={device.letter} data-removed={device.removed}>
            <span className={styles.letter} aria-hidden>
              {device.letter}
            </span>
            <div className={styles.who}>
              <p className={styles.name}>
                <strong>{deviceName(device)}</strong>
                <Marks device={device} />
              </p>
              <p className={page.muted}>
                {[device.added_at && t("admin.devices.added", { day: showDay(dayOf(device.added_at)) }), device.last_seen ? t("admin.devices.seen", { ago: ago(device.last_seen) }) : t("admin.devices.neverSeen")].filter(Boolean).join(" · ")}
              </p>
            </div>
            {!device.removed && (
              <div className={styles.actions}>
                <Button variant="default" aria-label={t("admin.devices.renameOf", { device: deviceName(device) })} onClick={() => ask("rename", device)}>
                  {t("admin.devices.rename")}
                </Button>
                {!device.admin && (
                  <Button variant="default" aria-label={t("admin.devices.makeAdminOf", { device: deviceName(device) })} onClick={() => ask("admin", device)}>
                    {t("admin.devices.makeAdmin")}
                  </Button>
                )}
                <Button variant="default" aria-label={t("admin.devices.removeOf", { device: deviceName(device) })} onClick={() => ask("remove", device)}>
                  {t("admin.devices.remove")}
                </Button>
              </div>
            )}
          </li>
        ))}
      </ul>
      {about && asking?.what === "rename" && <Rename device={about} onClose={close} />}
      {about && asking?.what === "admin" && <MakeAdmin device={about} kitNeeded={kitNeeded} onClose={close} />}
      {about && asking?.what === "remove" && <Remove device={about} kitNeeded={kitNeeded} onClose={close} />}
    </section>
  );
}

function Marks({ device }: { device: DeviceView }) {
  const { t } = useTranslation();
  return (
    <>
      {device.this && (
        <Badge tone="accent" icon={<IconDeviceTablet size="0.875rem" aria-hidden />}>
          {t("admin.devices.this")}
        </Badge>
      )}
      {device.admin && !device.removed && <Badge icon={<IconUserShield size="0.875rem" aria-hidden />}>{t("admin.devices.admin")}</Badge>}
      {device.removed && (
        <Badge tone="red" icon={<IconBan size="0.875rem" aria-hidden />}>
          {t("admin.devices.removed")}
        </Badge>
      )}
    </>
  );
}
