import { Button } from "@mantine/core";
import { IconBuildingPlus, IconDatabaseImport, IconDeviceTabletPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AppState } from "@/api";
import { Brand } from "@/components/Brand";
import { LanguageSwitch } from "@/components/LanguageSwitch";
import { setWindow } from "@/lib/window";
import { ByCode } from "./ByCode";
import { ByInvitation } from "./ByInvitation";
import { Kit } from "./Kit";
import { Model } from "./Model";
import { Restore } from "./Restore";
import styles from "./Setup.module.css";

type Way = "choose" | "invitation" | "code" | "restore";

/** First start. What was begun is taken up again where it stands: the backend knows the step. */
export function Setup({ app }: { app: AppState }) {
  const { t } = useTranslation();
  const [way, setWay] = useState<Way>("choose");
  const step = app.unfinished_setup;
  const at = step === "recovery_kit" ? 2 : step === "model" ? 3 : 1;
  return (
    <div className={styles.page}>
      <header className={styles.top}>
        <Brand />
        <LanguageSwitch />
      </header>
      <main className={styles.main} data-screen="setup" data-step={step ?? way}>
        {(step || way === "invitation" || way === "code") && (
          <ol className={styles.steps} aria-label={t("setup.steps")}>
            {([1, 2, 3] as const).map((n) => (
              <li key={n} data-state={n < at ? "done" : n === at ? "now" : "later"} aria-current={n === at ? "step" : undefined}>
                {t(`setup.step.${n}`)}
              </li>
            ))}
          </ol>
        )}
        {step === "recovery_kit" ? (
          <Kit />
        ) : step === "model" ? (
          <Model />
        ) : way === "invitation" ? (
          <ByInvitation app={app} onBack={() => setWay("choose")} />
        ) : way === "code" ? (
          <ByCode app={app} onBack={() => setWay("choose")} />
        ) : way === "restore" ? (
          <Restore app={app} onBack={() => setWay("choose")} />
        ) : (
          <section className={styles.choose}>
            <h1 className={styles.title}>{t("setup.welcome.title")}</h1>
            <p className={styles.lead}>{t("setup.welcome.lead")}</p>
            <div className={styles.ways}>
              <button type="button" className={styles.way} onClick={() => setWay("invitation")}>
                <IconBuildingPlus size="2.375rem" stroke={1.4} aria-hidden />
                <strong>{t("setup.welcome.invitation")}</strong>
                <span>{t("setup.welcome.invitationHelp")}</span>
              </button>
              <button type="button" className={styles.way} onClick={() => setWay("code")}>
                <IconDeviceTabletPlus size="2.375rem" stroke={1.4} aria-hidden />
                <strong>{t("setup.welcome.code")}</strong>
                <span>{t("setup.welcome.codeHelp")}</span>
              </button>
              <button type="button" className={styles.way} onClick={() => setWay("restore")}>
                <IconDatabaseImport size="2.375rem" stroke={1.4} aria-hidden />
                <strong>{t("setup.welcome.restore")}</strong>
                <span>{t("setup.welcome.restoreHelp")}</span>
              </button>
            </div>
            {app.clinics.length > 0 && (
              <Button variant="subtle" color="gray" onClick={() => setWindow({ adding: false })}>
                {t("common.cancel")}
              </Button>
            )}
          </section>
        )}
      </main>
    </div>
  );
}
