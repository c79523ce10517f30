import { useQuery } from "@tanstack/react-query";
import { queries } from "@/api/queries";
import { ErrorNote } from "@/components/ErrorNote";
import styles from "./Devices.module.css";
import { List } from "./List";
import { Pairing } from "./Pairing";
import { PutAside } from "./PutAside";
import { TakeIn } from "./TakeIn";

/** The clinic's devices: who belongs, what came too late from who no longer does, and the way in. */
export function Devices() {
  const devices = useQuery(queries.devices());
  const aside = useQuery(queries.quarantined());
  // Who signs what changes who belongs: this device when it may, else the recovery kit.
  const kitNeeded = !(devices.data?.find((device) => device.this)?.admin ?? false);
  return (
    <div className={styles.devices}>
      <ErrorNote error={devices.error ?? aside.error} />
      {aside.data && <PutAside groups={aside.data} kitNeeded={kitNeeded} />}
      {devices.data && <List devices={devices.data} kitNeeded={kitNeeded} />}
      <Pairing />
      <TakeIn />
    </div>
  );
}
