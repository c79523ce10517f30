import { Button, CopyButton, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconAffiliate, IconBuildingHospital, IconShieldCheck, IconShieldQuestion } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type KnownClinic } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { Qr } from "@/components/Qr";
import styles from "./Network.module.css";

/** The clinics that we know, our own card, and the place where another clinic's card is read. */
export function Clinics({ clinics, canVerify }: { clinics: KnownClinic[] | undefined; canVerify: boolean }) {
  const { t } = useTranslation();
  return (
    <div className={styles.two}>
      <div className={styles.stack}>
        <div className={`${page.card} ${styles.list}`}>
          <h2 className={page.h2}>{t("network.clinics.known")}</h2>
          {clinics?.map((clinic) => (
            <div key={clinic.tenant} className={styles.clinic}>
              <IconBuildingHospital size="1.5rem" stroke={1.6} aria-hidden />
              <strong>{clinic.name}</strong>
              <span className={page.push}>
                {clinic.verified ? (
                  <Badge tone="green" icon={<IconShieldCheck size="0.875rem" aria-hidden />}>
                    {t("network.clinics.verified")}
                  </Badge>
                ) : (
                  <Badge tone="amber" icon={<IconShieldQuestion size="0.875rem" aria-hidden />}>
                    {t("network.clinics.unverified")}
                  </Badge>
                )}
              </span>
            </div>
          ))}
          {clinics?.length === 0 && <EmptyState icon={IconAffiliate} title={t("network.clinics.empty")} help={t("network.clinics.emptyHelp")} />}
        </div>
        {canVerify && <Verify />}
      </div>
      <OwnCard />
    </div>
  );
}

function Verify() {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const verify = useWrite((card: string) => api.verifyClinic(card), ["sharing"]);
  return (
    <div className={`${page.card} ${styles.box}`}>
      <h2 className={page.h2}>{t("network.verify.title")}</h2>
      <p className={page.muted}>{t("network.verify.help")}</p>
      <Textarea label={t("network.verify.label")} autosize minRows={2} value={text} onChange={(e) => setText(e.currentTarget.value)} autoComplete="off" spellCheck={false} />
      <ErrorNote error={verify.error} />
      {verify.data && (
        <p className={styles.good} role="status">
          <IconShieldCheck size="1.1875rem" aria-hidden />
          {t("network.verify.done", { clinic: verify.data.name })}
        </p>
      )}
      <div className={styles.right}>
        <Button disabled={!text.trim()} loading={verify.isPending} onClick={() => verify.mutate(text.trim(), { onSuccess: () => setText("") })}>
          {t("network.verify.button")}
        </Button>
      </div>
    </div>
  );
}

function OwnCard() {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.ownCard());
  return (
    <div className={`${page.card} ${styles.box} ${styles.own}`}>
      <h2 className={page.h2}>{t("network.card.title")}</h2>
      <p className={page.muted}>{t("network.card.help")}</p>
      <ErrorNote error={error} />
      {data && (
        <>
          <Qr svg={data.qr_svg} label={t("network.card.qr")} />
          <p className={page.muted}>{t("network.card.digits")}</p>
          <p className={styles.digits}>{data.digits}</p>
          <code className={styles.code} data-testid="own-card">
            {data.text}
          </code>
          <CopyButton value={data.text}>
            {({ copied, copy }) => (
              <Button variant="default" onClick={copy}>
                {copied ? t("common.copied") : t("network.card.copy")}
              </Button>
            )}
          </CopyButton>
        </>
      )}
    </div>
  );
}
