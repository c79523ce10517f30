import { Button } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type SyncHealth } from "@/api";
import { saveAs } from "@/api/native";
import { useWrite } from "@/api/useWrite";
import dialog from "@/components/Dialog.module.css";
import { PinDialog } from "@/components/PinDialog";

/** A removed device lets go of all that it holds of the clinic. What was never sent goes into a file first. */
export function LeaveClinic({ sync }: { sync: SyncHealth }) {
  const { t } = useTranslation();
  const { pending, sound_pending: sound } = sync;
  const [asked, setAsked] = useState<{ unsent: string | null } | null>(null);
  const leave = useWrite((input: { unsent: string | null; pin: string }) => api.leaveClinic(input.unsent, input.pin), ["everything"]);
  const ask = async () => {
    const unsent = pending > 0 ? await saveAs("medieco.unsent", { name: t("sync.removed.file"), extensions: ["unsent"] }) : null;
    if (pending === 0 || unsent) setAsked({ unsent });
  };
  return (
    <>
      <Button variant="default" leftSection={<IconTrash size="1.125rem" aria-hidden />} onClick={() => void ask()}>
        {t("sync.leave.button")}
      </Button>
      {asked && (
        <PinDialog
          title={t("sync.leave.title")}
          action={t("sync.leave.do")}
          error={leave.error}
          pending={leave.isPending}
          onClose={() => setAsked(null)}
          onConfirm={(pin) => leave.mutate({ ...asked, pin })}
        >
          <dl className={dialog.facts}>
            <dt>{t("sync.leave.goes")}</dt>
            <dd>
              {t("sync.leave.goesWhat")} {sound > 0 && <strong>{t("sync.leave.goesSound", { count: sound })}</strong>}
            </dd>
            <dt>{t("sync.leave.stays")}</dt>
            <dd>{asked.unsent ? t("sync.leave.staysFile") : t("sync.leave.staysOthers")}</dd>
          </dl>
        </PinDialog>
      )}
    </>
  );
}
