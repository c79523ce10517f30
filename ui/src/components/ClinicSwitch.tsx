import { Menu } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { IconBuildingHospital, IconCheck, IconChevronDown, IconPlus } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { api, type ClinicOnDevice } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { setWindow } from "@/lib/window";
import styles from "./ClinicSwitch.module.css";

/** One tap for those who work in several clinics. The store of each stays its own: after a switch one signs in again. */
export function ClinicSwitch({ plain = false }: { plain?: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data: app } = useQuery(queries.appState());
  const open = useWrite((tenant: string) => api.openClinic(tenant));
  const clinic = app?.clinics.find((c) => c.tenant === app.open);
  const choose = (other: ClinicOnDevice) => {
    if (other.tenant === app?.open) return;
    if (other.needs_passphrase) setWindow({ unlocking: other.tenant });
    else open.mutate(other.tenant, { onSettled: () => client.resetQueries() });
  };
  return (
    <Menu position="bottom-start" width={320}>
      <Menu.Target>
        <button type="button" className={styles.target} data-plain={plain} title={t("common.switchClinic")}>
          <IconBuildingHospital size="1.1875rem" stroke={1.7} aria-hidden />
          <span className={styles.name}>{plain ? t("common.switchClinic") : clinic?.name}</span>
          <IconChevronDown size="1rem" aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("common.switchClinic")}</Menu.Label>
        {app?.clinics.map((c) => (
          <Menu.Item
            key={c.tenant}
            mih={44}
            leftSection={c.tenant === app.open ? <IconCheck size="1.125rem" aria-hidden /> : <span className={styles.noIcon} />}
            onClick={() => choose(c)}
          >
            {c.name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item mih={44} leftSection={<IconPlus size="1.125rem" aria-hidden />} onClick={() => setWindow({ adding: true })}>
          {t("common.addClinic")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
