//! Audio capture, voice activity, speakers, transcript, draft note; speaks to the engine.
