import { Button } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api";
import { saveAs } from "@/api/native";
import { useWrite } from "@/api/useWrite";
import dialog from "@/components/Dialog.module.css";
import { PinDialog } from "@/components/PinDialog";
import page from "@/components/Page.module.css";
import type { May } from "@/lib/may";

/** The way out of a device that cannot go on as it is: what was not sent into a file, the store set aside, and in again as a new one. */
export function BeginAnew({ may }: { may: May }) {
  const { t } = useTranslation();
  const [path, setPath] = useState<string | null>(null);
  const begin = useWrite((input: { path: string; pin: string }) => api.beginAnew(input.path, input.pin), ["everything"]);
  if (!may.changeDevices) return <p className={page.muted}>{t("sync.anew.ask")}</p>;
  const choose = async () => setPath(await saveAs("medieco.unsent", { name: t("sync.anew.file"), extensions: ["unsent"] }));
  return (
    <div className={page.row}>
      <Button variant="default" leftSection={<IconRefresh size="1.125rem" aria-hidden />} onClick={() => void choose()}>
        {t("sync.anew.button")}
      </Button>
      {path && (
        <PinDialog title={t("sync.anew.title")} action={t("sync.anew.do")} error={begin.error} pending={begin.isPending} onClose={() => setPath(null)} onConfirm={(pin) => begin.mutate({ path, pin })}>
          <p className={dialog.text}>{t("sync.anew.what")}</p>
        </PinDialog>
      )}
    </div>
  );
}
