import { Button } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type SyncHealth } from "@/api";
import { saveAs } from "@/api/native";
import { useWrite } from "@/api/useWrite";
import dialog from "@/components/Dialog.module.css";
import { PinDialog } from "@/components/PinDialog";

/** A removed device lets go of all that it holds of the clinic. What was never sent goes into a file first: where, is asked after the PIN. */
export function LeaveClinic({ sync }: { sync: SyncHealth }) {
  const { t } = useTranslation();
  const { pending, sound_pending: sound } = sync;
  const [asked, setAsked] = useState(false);
  const [file, setFile] = useState<string | null>(null);
  const leave = useWrite((input: { unsent: string | null; pin: string }) => api.leaveClinic(input.unsent, input.pin), ["everything"]);
  // A wrong PIN does not ask for the file again.
  const confirm = async (pin: string) => {
    const unsent = pending > 0 ? (file ?? (await saveAs("medieco.unsent", { name: t("sync.removed.file"), extensions: ["unsent"] }))) : null;
    setFile(unsent);
    if (pending === 0 || unsent) leave.mutate({ unsent, pin });
  };
  return (
    <>
      <Button variant="default" leftSection={<IconTrash size="1.125rem" aria-hidden />} data-leave onClick={() => setAsked(true)}>
        {t("sync.leave.button")}
      </Button>
      {asked && (
        <PinDialog
          title={t("sync.leave.title")}
          action={t("sync.leave.do")}
          error={leave.error}
          pending={leave.isPending}
          onClose={() => setAsked(false)}
          onConfirm={(pin) => void confirm(pin)}
        >
          <dl className={dialog.facts}>
            <dt>{t("sync.leave.goes")}</dt>
            <dd>
              {t("sync.leave.goesWhat")} {sound > 0 && <strong>{t("sync.leave.goesSound", { count: sound })}</strong>}
            </dd>
            <dt>{t("sync.leave.stays")}</dt>
            <dd>{pending > 0 ? `${t("sync.leave.staysFile")} ${t("sync.leave.whereto")}` : t("sync.leave.staysOthers")}</dd>
          </dl>
        </PinDialog>
      )}
    </>
  );
}
