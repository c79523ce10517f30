import { Button, Modal, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type DeviceView } from "@/api";
import { useWrite } from "@/api/useWrite";
import dialog from "@/components/Dialog.module.css";
import { ErrorNote } from "@/components/ErrorNote";
import { deviceName } from "@/components/syncWords";
import { useReturnFocus } from "@/lib/focus";

/** What people call a device; its letter stays. */
export function Rename({ device, onClose }: { device: DeviceView; onClose: () => void }) {
  const { t } = useTranslation();
  useReturnFocus();
  const [name, setName] = useState(device.name ?? "");
  const rename = useWrite((to: string) => api.renameDevice(device.id, to), ["devices"]);
  return (
    <Modal opened onClose={onClose} title={t("admin.devices.renameOf", { device: deviceName(device) })} closeButtonProps={{ "aria-label": t("common.close") }} size={460}>
      <form
        className={dialog.form}
        onSubmit={(e) => {
          e.preventDefault();
          rename.mutate(name.trim(), { onSuccess: onClose });
        }}
      >
        <TextInput label={t("admin.devices.nameLabel")} description={t("admin.devices.nameHelp")} autoComplete="off" maxLength={40} data-autofocus value={name} onChange={(e) => setName(e.currentTarget.value)} />
        <ErrorNote error={rename.error} />
        <div className={dialog.actions}>
          <Button variant="default" onClick={onClose}>
            {t("common.cancel")}
          </Button>
          <Button type="submit" loading={rename.isPending}>
            {t("admin.devices.save")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
