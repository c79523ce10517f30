import { useTranslation } from "react-i18next";
import { api, type ReviewRemoved } from "@/api";
import { useWrite } from "@/api/useWrite";
import dialog from "@/components/Dialog.module.css";
import { notify } from "@/components/notify";
import { Signed } from "./Signed";

interface Props {
  device: string;
  name: string;
  take: boolean;
  kitNeeded: boolean;
  onClose: () => void;
}

/** Somebody has looked at what came too late, and says with her PIN what becomes of it. */
export function Review({ device, name, take, kitNeeded, onClose }: Props) {
  const { t } = useTranslation();
  const review = useWrite((input: ReviewRemoved) => api.reviewRemoved(input), ["devices", "status", "queue", "patients", "sharing"]);
  const way = take ? "take" : "leave";
  const onSuccess = () => {
    notify(take ? t("admin.devices.review.took", { device: name }) : t("admin.devices.review.left", { device: name }));
    onClose();
  };
  return (
    <Signed
      title={t(`admin.devices.review.${way}Title`, { device: name })}
      action={t(`admin.devices.review.${way}Do`)}
      kitNeeded={kitNeeded}
      error={review.error}
      pending={review.isPending}
      onConfirm={(pin, kit) => review.mutate({ device, take, pin, kit }, { onSuccess })}
      onClose={onClose}
    >
      <p className={dialog.text}>{t(`admin.devices.review.${way}What`)}</p>
    </Signed>
  );
}
