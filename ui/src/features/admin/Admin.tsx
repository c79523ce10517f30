import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { IconAdjustments, IconDevices, IconShieldLock, IconUsersGroup } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { queries } from "@/api/queries";
import { AuditTable } from "@/components/AuditTable";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import styles from "./Admin.module.css";
import { Devices } from "./Devices";
import { Settings } from "./Settings";
import { Staff } from "./Staff";

const TABS = ["staff", "devices", "settings", "audit"] as const;
const ICON = { staff: IconUsersGroup, devices: IconDevices, settings: IconAdjustments, audit: IconShieldLock };

/** Staff, devices, this device's settings, the audit. */
export function Admin() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { tab } = useParams({ strict: false }) as { tab?: string };
  const now = TABS.find((name) => name === tab) ?? "staff";
  return (
    <div className={page.page} data-screen="admin">
      <h1 className={page.title}>{t("admin.title")}</h1>
      <Tabs value={now} onChange={(v) => void navigate({ to: "/admin/$tab", params: { tab: v ?? "staff" }, replace: true })} keepMounted={false}>
        <Tabs.List>
          {TABS.map((name) => {
            const Icon = ICON[name];
            return (
              <Tabs.Tab key={name} value={name} leftSection={<Icon size={18} aria-hidden />} className={styles.tab}>
                {t(`admin.tab.${name}`)}
              </Tabs.Tab>
            );
          })}
        </Tabs.List>
        <Tabs.Panel value="staff" className={styles.panel}>
          <Staff />
        </Tabs.Panel>
        <Tabs.Panel value="devices" className={styles.panel}>
          <Devices />
        </Tabs.Panel>
        <Tabs.Panel value="settings" className={styles.panel}>
          <Settings />
        </Tabs.Panel>
        <Tabs.Panel value="audit" className={styles.panel}>
          <Audit />
        </Tabs.Panel>
      </Tabs>
    </div>
  );
}

function Audit() {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.audit(null));
  return (
    <>
      <p className={page.muted}>{t("network.audit.help")}</p>
      <ErrorNote error={error} />
      <div className={page.card}>{data && <AuditTable rows={data} empty={<EmptyState icon={IconShieldLock} title={t("patients.seen.none")} help={t("patients.seen.noneHelp")} />} />}</div>
    </>
  );
}
