//! How a clinic becomes known to a relay: by the operator's invitation.

use std::time::Duration;

use minicbor::bytes::{ByteArray, ByteVec};
use seal::{InvitationToken, TenantId};
use sync_protocol::{DeviceMessage, Greeting, Hello, RefusedCode, RelayMessage, Want};
use tokio::time::timeout;

use crate::socket::{Socket, close, connect, hear, say};
use crate::{RelayAddress, RelayError, Timers};

const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Uses an invitation: the relay knows the clinic of these statements from now on. Returns the clinic's id.
///
/// May be repeated with the same token and the same statements, should the first answer have been lost.
///
/// # Errors
/// [`RelayError::Refused`] with `InvitationUnknown`, `InvitationUsed`, `InvitationExpired`, `AlreadyJoined` or
/// `BadStatements`; or the connection's errors.
pub async fn join_by_invitation(
    relay: &RelayAddress,
    token: &InvitationToken,
    statements: Vec<Vec<u8>>,
) -> Result<TenantId, RelayError> {
    let talk = async {
        let mut socket = connect(relay, Timers::RELAY.handshake).await?;
        let (_, version) = greeted(&mut socket).await?;
        let statements = statements.into_iter().map(ByteVec::from).collect();
        let want = Want::Join(ByteArray::from(*token.as_bytes()), statements);
        say(&mut socket, &DeviceMessage::Hello(Hello { version, want })).await?;
        let RelayMessage::Joined(tenant) = hear(&mut socket).await? else {
            return Err(RelayError::Protocol);
        };
        close(socket).await;
        Ok(tenant)
    };
    timeout(ANSWER_WITHIN, talk).await.map_err(|_| RelayError::TimedOut)?
}

/// The relay's greeting, and the newest version that it speaks and we do.
pub(crate) async fn greeted(socket: &mut Socket) -> Result<(Greeting, u16), RelayError> {
    let RelayMessage::Greeting(greeting) = hear(socket).await? else {
        return Err(RelayError::Protocol);
    };
    let version = greeting.common_version();
    Ok((greeting, version.ok_or(RelayError::Refused(RefusedCode::Version))?))
}
