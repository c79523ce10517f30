//! The clinics of the operator's network, and what becomes of each.

/// What becomes of a clinic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing in particular.
    Well,
    /// On the list, and has not come.
    Invited,
    /// Has not paid for months.
    Overdue,
    /// Has the last invoice still to pay.
    Due,
    /// Its last invoice was not issued yet.
    Drafted,
    /// One of its invoices was undone.
    Credited,
    /// Suspended nine days ago.
    Suspended,
    /// None of its devices was here for twelve days.
    Silent,
    /// Removed a month ago.
    Removed,
}

/// One clinic.
pub struct Kind {
    pub name: &'static str,
    pub address: &'static str,
    pub plan: Option<&'static str>,
    /// Days ago on which it was put on the list.
    pub since: i64,
    pub trial_days: Option<i64>,
    pub devices: usize,
    pub staff: Option<u32>,
    pub changes: usize,
    /// Sealed changes, in kilobytes.
    pub stored_kb: usize,
    /// Messages on an ordinary day.
    pub messages: u64,
    /// How much of the month's messages is used at last, in percent.
    pub percent: Option<u64>,
    /// Devices that have not got everything.
    pub behind: usize,
    pub fate: Fate,
}

const PLAIN: Kind = Kind {
    name: "",
    address: "12 Jalan Besar\n30000 Ipoh\nPerak",
    plan: Some("Sederhana"),
    since: 190,
    trial_days: None,
    devices: 4,
    staff: Some(8),
    changes: 40,
    stored_kb: 400,
    messages: 1_800,
    percent: None,
    behind: 0,
    fate: Fate::Well,
};

#[rustfmt::skip]
pub static CLINICS: &[Kind] = &[
    Kind { name: "Klinik Seri Mawar", since: 195, devices: 7, staff: Some(14), stored_kb: 2_000, ..PLAIN },
    Kind { name: "Klinik Harapan Ipoh", plan: Some("Kecil"), devices: 4, messages: 700, percent: Some(100), fate: Fate::Overdue, ..PLAIN },
    Kind { name: "Poliklinik Cahaya Petaling", plan: Some("Kecil"), since: 160, devices: 4, staff: Some(6), messages: 600, percent: Some(85), ..PLAIN },
    Kind { name: "Klinik Dr Lim & Rakan", plan: Some("Besar"), since: 175, devices: 18, staff: Some(41), messages: 5_200, behind: 1, fate: Fate::Due, ..PLAIN },
    Kind { name: "Klinik Kanak-Kanak Ceria", plan: Some("Kecil"), since: 180, messages: 500, fate: Fate::Suspended, ..PLAIN },
    Kind { name: "Klinik Bayu Kota Bharu", plan: Some("Kecil"), since: 18, trial_days: Some(30), devices: 2, staff: Some(4), messages: 300, ..PLAIN },
    Kind { name: "Klinik Wanita Permata, Pulau Pinang", since: 150, devices: 3, staff: Some(5), behind: 3, fate: Fate::Silent, ..PLAIN },
    Kind { name: "Klinik Sentosa", plan: Some("Kecil"), since: 140, devices: 5, staff: Some(9), messages: 520, stored_kb: 42_000, ..PLAIN },
    Kind { name: "Poliklinik Anggerik Shah Alam", since: 1, plan: None, fate: Fate::Invited, ..PLAIN },
    Kind { name: "Klinik Damai Sungai Petani", since: 20, plan: None, fate: Fate::Invited, ..PLAIN },
    Kind { name: "Klinik Keluarga Rahman", since: 130, devices: 6, staff: Some(12), ..PLAIN },
    Kind { name: "Klinik Mutiara Melaka", since: 120, devices: 3, staff: Some(7), fate: Fate::Drafted, ..PLAIN },
    Kind { name: "Klinik Pakar Kulit Suria", plan: Some("Besar"), since: 110, devices: 9, staff: None, messages: 2_500, fate: Fate::Credited, ..PLAIN },
    Kind { name: "Klinik Lama Taiping", plan: Some("Kecil"), since: 185, devices: 2, staff: Some(3), messages: 200, fate: Fate::Removed, ..PLAIN },
    Kind { name: "Klinik Desa Tenang", plan: None, since: 90, devices: 1, staff: Some(2), messages: 120, ..PLAIN },
    Kind { name: "Poliklinik Nilai Utama", since: 100, devices: 8, staff: Some(21), messages: 3_000, ..PLAIN },
    Kind { name: "Klinik Segamat Jaya", plan: Some("Kecil"), since: 85, devices: 3, staff: Some(5), messages: 400, ..PLAIN },
    Kind { name: "Klinik Kuching Waterfront", since: 70, devices: 5, staff: Some(11), behind: 2, ..PLAIN },
];
