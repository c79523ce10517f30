import { useNavigate, useParams } from "@tanstack/react-router";
import { IconAdjustments, IconChartBar, IconDatabaseExport, IconDevices, IconShieldLock, IconUsersGroup } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { ClinicAudit } from "@/components/ClinicAudit";
import { TabPage } from "@/components/TabPage";
import { Backup } from "./Backup";
import { Devices } from "./devices/Devices";
import { Plan } from "./Plan";
import { Settings } from "./Settings";
import { Staff } from "./Staff";

const TABS = [
  { name: "staff", icon: IconUsersGroup, panel: <Staff /> },
  { name: "devices", icon: IconDevices, panel: <Devices /> },
  { name: "settings", icon: IconAdjustments, panel: <Settings /> },
  { name: "backup", icon: IconDatabaseExport, panel: <Backup /> },
  { name: "plan", icon: IconChartBar, panel: <Plan /> },
  { name: "audit", icon: IconShieldLock, panel: <ClinicAudit /> },
] as const;

/** Staff, devices, this device's settings, its backups, its plan with the operator of the network, the audit. */
export function Admin() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { tab } = useParams({ strict: false }) as { tab?: string };
  const now = TABS.find(({ name }) => name === tab)?.name ?? "staff";
  return (
    <TabPage
      screen="admin"
      title={t("admin.title")}
      now={now}
      onChange={(name) => void navigate({ to: "/admin/$tab", params: { tab: name }, replace: true })}
      tabs={TABS.map((each) => ({ ...each, label: t(`admin.tab.${each.name}`) }))}
    />
  );
}
