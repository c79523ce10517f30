import { ActionIcon, Button, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type DeviceSettings } from "@/api";
import { useWrite } from "@/api/useWrite";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import type { May } from "@/lib/may";
import styles from "./Sync.module.css";

/** Where other devices are, for networks on which they do not find each other. Each change is checked by the backend and saved at once. */
export function Addresses({ settings, may }: { settings: DeviceSettings; may: May }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const save = useWrite((lan_addresses: string[]) => api.saveDeviceSettings({ ...settings, lan_addresses }), ["settings", "status"]);
  const { lan_addresses: addresses } = settings;
  if (!may.changeDevice && addresses.length === 0) return null;
  return (
    <div className={styles.addresses}>
      <h3 className={styles.h3}>{t("sync.lan.addresses")}</h3>
      {addresses.length === 0 && <p className={page.muted}>{t("sync.lan.noAddresses")}</p>}
      <ul className={styles.rows} data-testid="lan-addresses">
        {addresses.map((address) => (
          <li key={address} className={styles.row}>
            <code>{address}</code>
            {may.changeDevice && (
              <ActionIcon className={page.push} aria-label={t("sync.lan.remove", { address })} disabled={save.isPending} onClick={() => save.mutate(addresses.filter((a) => a !== address))}>
                <IconX size="1.25rem" aria-hidden />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
      {may.changeDevice && (
        <form
          className={styles.add}
          onSubmit={(e) => {
            e.preventDefault();
            const address = typed.trim();
            if (address) save.mutate([...addresses.filter((a) => a !== address), address], { onSuccess: () => setTyped("") });
          }}
        >
          <TextInput
            label={t("sync.lan.address")}
            description={t("sync.lan.addressesHelp")}
            placeholder="192.168.1.20"
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={(e) => setTyped(e.currentTarget.value)}
          />
          <Button type="submit" variant="default" disabled={!typed.trim()} loading={save.isPending}>
            {t("sync.lan.add")}
          </Button>
        </form>
      )}
      <ErrorNote error={save.error} />
      <p role="status" className={styles.said}>
        {save.isSuccess && t("sync.lan.saved")}
      </p>
    </div>
  );
}
