import { Checkbox, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type DeviceView, type RemoveDevice } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { notify } from "@/components/notify";
import { deviceName } from "@/components/syncWords";
import dialog from "@/components/Dialog.module.css";
import styles from "./Devices.module.css";
import { Signed } from "./Signed";

/** A question, because it cannot be taken back: what exactly happens, the device's letter typed, the kit where it is due, the PIN. */
export function Remove({ device, kitNeeded, onClose }: { device: DeviceView; kitNeeded: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const name = deviceName(device);
  const [letter, setLetter] = useState("");
  const [wantsKit, setWantsKit] = useState(false);
  const [since, setSince] = useState("");
  const remove = useWrite((input: RemoveDevice) => api.removeDevice(input), ["devices", "status"]);
  const { data: status } = useQuery(queries.status());
  const offline = status !== undefined && status.sync.has_relay && !status.sync.connected;
  const needs = kitNeeded || device.this;
  const same = letter.trim().toUpperCase() === device.letter.toUpperCase();
  const onSuccess = () => {
    notify(t("admin.devices.wasRemoved", { device: name }));
    onClose();
  };
  return (
    <Signed
      title={t("admin.devices.removeTitle", { device: name })}
      action={t("admin.devices.removeDo")}
      ready={same}
      kitNeeded={needs}
      kitWanted={wantsKit}
      error={remove.error}
      pending={remove.isPending}
      onConfirm={(pin, kit) =>
        remove.mutate({ device: device.id, pin, kit, undo_since: kit && device.admin && since ? new Date(since).toISOString() : null, own: device.this }, { onSuccess })
      }
      onClose={onClose}
      fields={
        <>
          {device.admin && !needs && <Checkbox size="md" className={styles.check} label={t("admin.devices.useKit")} checked={wantsKit} onChange={(e) => setWantsKit(e.currentTarget.checked)} />}
          {device.admin && !device.this && (needs || wantsKit) && (
            <TextInput type="datetime-local" label={t("admin.devices.since")} description={t("admin.devices.sinceHelp")} value={since} onChange={(e) => setSince(e.currentTarget.value)} />
          )}
          <TextInput
            label={t("admin.devices.letter", { letter: device.letter })}
            autoComplete="off"
            spellCheck={false}
            maxLength={4}
            data-autofocus
            className={styles.typed}
            value={letter}
            error={letter !== "" && !same ? t("admin.devices.letterWrong") : null}
            onChange={(e) => setLetter(e.currentTarget.value)}
          />
        </>
      }
    >
      {device.this && <Warning>{t("admin.devices.removeOwn")}</Warning>}
      <ul className={styles.points} data-testid="what-happens">
        <li>{t("admin.devices.removeKeeps")}</li>
        <li>{t("admin.devices.removeReads")}</li>
        <li>{t("admin.devices.removeUnsent")}</li>
        <li>{t("admin.devices.removeGood")}</li>
      </ul>
      {offline && <Warning>{t("admin.devices.removeOffline")}</Warning>}
      {device.admin && !device.this && <Warning>{t("admin.devices.removeAdmin")}</Warning>}
    </Signed>
  );
}

function Warning({ children }: { children: string }) {
  return (
    <p className={dialog.warning}>
      <IconAlertTriangle size="1.25rem" aria-hidden />
      <span>{children}</span>
    </p>
  );
}
