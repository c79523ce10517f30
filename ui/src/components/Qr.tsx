import styles from "./Qr.module.css";

/** A QR code that the backend drew. As an image: an SVG that came from elsewhere is never put into the page. */
export function Qr({ svg, label }: { svg: string; label: string }) {
  return <img className={styles.qr} src={`data:image/svg+xml;utf8,${encodeURIComponent(svg)}`} alt={label} />;
}
