import i18next from "i18next";
import { useTranslation } from "react-i18next";
import { Badge, type BadgeTone } from "./Badge";

const TONE: Record<string, BadgeTone> = { certified: "green", contains_porcine: "amber", contains_alcohol: "amber", unknown: "plain" };

/** Halal status and poison group; what is unknown is shown as unknown. */
export function ProductBadges({ halal, group }: { halal: string; group: string }) {
  const { t } = useTranslation();
  const status = i18next.exists(`consult.halal.${halal}`) ? halal : "unknown";
  const poison = group.toLowerCase();
  return (
    <>
      <Badge tone={TONE[status] ?? "plain"}>{t(`consult.halal.${status as "unknown"}`)}</Badge>
      {["a", "b", "c", "d"].includes(poison) && <Badge>{t("consult.poison", { group: poison.toUpperCase() })}</Badge>}
    </>
  );
}
