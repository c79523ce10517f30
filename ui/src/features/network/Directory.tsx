import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconAddressBook, IconAlertTriangle, IconCheck, IconSearch, IconShieldCheck, IconShieldQuestion } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, type DirectoryRow, type Trust } from "@/api";
import { queries } from "@/api/queries";
import { useWrite } from "@/api/useWrite";
import { Badge } from "@/components/Badge";
import { EmptyState } from "@/components/EmptyState";
import { ErrorNote } from "@/components/ErrorNote";
import page from "@/components/Page.module.css";
import { showMoment } from "@/lib/time";
import styles from "./Network.module.css";
import { OwnEntryCard } from "./OwnEntry";
import { specialtyWords } from "./specialties";

const plain = (text: string) => text.toLocaleLowerCase();

/** The clinics of the relay's directory: what each says of itself, and how far it is known here. */
export function Directory({ canVerify, canWrite }: { canVerify: boolean; canWrite: boolean }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(queries.directory());
  const [query, setQuery] = useState("");
  const found = data?.clinics.filter(({ entry, known_as }) =>
    plain([entry.name, known_as ?? "", entry.address, entry.telephone, ...entry.specialties.map(specialtyWords)].join("\n")).includes(plain(query.trim())),
  );
  return (
    <div className={styles.two}>
      <div className={styles.stack}>
        <p className={page.muted}>{t("network.directory.help")}</p>
        <ErrorNote error={error} />
        <TextInput
          label={t("network.directory.search")}
          leftSection={<IconSearch size="1.125rem" aria-hidden />}
          value={query}
          onChange={(e) => setQuery(e.currentTarget.value)}
          autoComplete="off"
        />
        <ul className={styles.entries}>
          {found?.map((row) => (
            <Entry key={row.tenant} row={row} canVerify={canVerify} canWrite={canWrite} />
          ))}
        </ul>
        {data?.clinics.length === 0 && <EmptyState icon={IconAddressBook} title={t("network.directory.empty")} help={t("network.directory.emptyHelp")} />}
        {data && data.clinics.length > 0 && found?.length === 0 && (
          <EmptyState icon={IconSearch} title={t("network.directory.noneFound")} help={t("network.directory.noneFoundHelp")} />
        )}
      </div>
      {data && <OwnEntryCard key={`${data.own.state}:${JSON.stringify(data.own.entry)}`} own={data.own} specialties={data.specialties} />}
    </div>
  );
}

function Entry({ row, canVerify, canWrite }: { row: DirectoryRow; canVerify: boolean; canWrite: boolean }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [comparing, setComparing] = useState(false);
  const { entry, tenant, trust } = row;
  const known = trust === "verified" || trust === "met";
  return (
    <li className={`${page.card} ${styles.box}`} data-clinic={tenant} data-trust={row.is_own ? "own" : trust}>
      <div className={styles.entryTop}>
        <h2 className={page.h2}>{entry.name}</h2>
        <span className={page.push}>{row.is_own ? <Badge tone="accent">{t("network.directory.own")}</Badge> : <TrustBadge trust={trust} />}</span>
      </div>
      {row.known_as && <p className={styles.unread}>{t("network.directory.knownAs", { name: row.known_as })}</p>}
      <p>{[...entry.specialties.map(specialtyWords), t(entry.accepts_referrals ? "network.directory.accepts" : "network.directory.acceptsNot")].join(" · ")}</p>
      <div>
        {entry.address && <p className={styles.lines}>{entry.address}</p>}
        {entry.telephone && <p>{t("network.directory.telephone", { telephone: entry.telephone })}</p>}
      </div>
      <div className={page.muted}>
        <p>
          {t("network.directory.digits")} <span className={styles.fewDigits}>{row.digits}</span>
        </p>
        <p>{t("network.directory.asOf", { at: showMoment(row.signed_at), came: showMoment(row.came_at) })}</p>
      </div>
      {!row.is_own && trust === "unverified" && canVerify && !comparing && (
        <div className={styles.right}>
          <Button variant="default" onClick={() => setComparing(true)} aria-label={t("network.directory.compareOf", { clinic: entry.name })}>
            {t("network.directory.compare")}
          </Button>
        </div>
      )}
      {comparing && <Compare row={row} onClose={() => setComparing(false)} />}
      {!row.is_own && known && canWrite && (
        <div className={styles.right}>
          <Button
            variant="default"
            onClick={() => void navigate({ to: "/network", search: { tab: "letters", clinic: tenant } })}
            aria-label={t("network.directory.writeTo", { clinic: entry.name })}
          >
            {t("network.directory.write")}
          </Button>
        </div>
      )}
    </li>
  );
}

function TrustBadge({ trust }: { trust: Trust }) {
  const { t } = useTranslation();
  const icon = { verified: IconShieldCheck, met: IconShieldCheck, unverified: IconShieldQuestion, doubtful: IconAlertTriangle }[trust];
  const tone = ({ verified: "green", met: "plain", unverified: "amber", doubtful: "red" } as const)[trust];
  const Icon = icon;
  return (
    <Badge tone={tone} icon={<Icon size="0.875rem" aria-hidden />}>
      {t(`network.trust.${trust}`)}
    </Badge>
  );
}

/** The other clinic reads its digits out over the telephone; they are typed here, and compared. */
function Compare({ row, onClose }: { row: DirectoryRow; onClose: () => void }) {
  const { t } = useTranslation();
  const [digits, setDigits] = useState("");
  const verify = useWrite(() => api.verifyByDigits(row.tenant, digits), ["sharing", "directory"]);
  return (
    <form
      className={styles.stack}
      onSubmit={(e) => {
        e.preventDefault();
        verify.mutate(undefined, { onSuccess: onClose });
      }}
    >
      <p>{t("network.directory.compareHelp", { clinic: row.entry.name })}</p>
      <TextInput
        label={t("network.directory.heard")}
        inputMode="numeric"
        autoComplete="off"
        data-autofocus
        value={digits}
        onChange={(e) => setDigits(e.currentTarget.value)}
      />
      <ErrorNote error={verify.error} />
      <div className={styles.right}>
        <Button variant="default" onClick={onClose}>
          {t("common.cancel")}
        </Button>
        <Button type="submit" leftSection={<IconCheck size="1.125rem" aria-hidden />} disabled={!digits.trim()} loading={verify.isPending}>
          {t("network.directory.same")}
        </Button>
      </div>
    </form>
  );
}
