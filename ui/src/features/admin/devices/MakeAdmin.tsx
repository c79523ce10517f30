import { useTranslation } from "react-i18next";
import { api, type DeviceView, type MakeAdmin as Input } from "@/api";
import { useWrite } from "@/api/useWrite";
import dialog from "@/components/Dialog.module.css";
import { notify } from "@/components/notify";
import { deviceName } from "@/components/syncWords";
import { Signed } from "./Signed";

/** A further device that lets others in and puts them out. */
export function MakeAdmin({ device, kitNeeded, onClose }: { device: DeviceView; kitNeeded: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const name = deviceName(device);
  const make = useWrite((input: Input) => api.makeAdmin(input), ["devices"]);
  const onSuccess = () => {
    notify(t("admin.devices.madeAdmin", { device: name }));
    onClose();
  };
  return (
    <Signed
      title={t("admin.devices.makeAdminTitle", { device: name })}
      action={t("admin.devices.makeAdminDo")}
      kitNeeded={kitNeeded}
      error={make.error}
      pending={make.isPending}
      onConfirm={(pin, kit) => make.mutate({ device: device.id, pin, kit }, { onSuccess })}
      onClose={onClose}
    >
      <p className={dialog.text}>{t("admin.devices.makeAdminWhat", { device: name })}</p>
    </Signed>
  );
}
