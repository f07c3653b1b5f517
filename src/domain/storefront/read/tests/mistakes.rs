//! Each kind of mistake in the complete example of the manual is found at its line.

use super::{check_in, studio::example};

#[test]
fn mistakes_in_listings_are_found() {
    check_in(
        example(),
        r#"
        numbers = "shared"    ==> numbers = "share"      ==> did you mean `shared`?
        numbers = "shared"    ==> #                      ==> numbers = "shared" ==> approval = true
        approval = true       ==> aproval = true         ==> did you mean `approval`?
        returns = true        ==> returns = "yes"        ==> must be true or false
        unknown = "refuse"    ==> unknown = "reject"     ==> expected one of `refuse`, `accept`
        draft    = "Waiting"  ==> #                      ==> a word for `draft` ==> -1
        closed   = "Closed"   ==> #                      ==> a word for `closed` ==> [listing.words]
        sold_out = "Full"     ==> soldout = "Full"       ==> did you mean `sold_out`?
        opened  = "RoomOpened" ==> open  = "RoomOpened"  ==> did you mean `opened`?
        [[listing.row]]       ==> [listing.row]          ==> begin each with [[row]]
        hostId = "host-1"     ==> hostid = "host-1"      ==> did you mean `hostId`?
        hostId = "host-1"     ==> #                      ==> needs its field `hostId` ==> -1
        places = 4            ==> places = -4            ==> a whole number from 0
        price  = 30000        ==> price  = "30000"       ==> a whole number from 0
        "37.5172,126.9366"    ==> "137.5,126.9"          ==> is not a position
        "37.5172,126.9366"    ==> "Seoul"                ==> is not a position
        "#,
    );
}

#[test]
fn mistakes_in_fields_are_found() {
    check_in(
        example(),
        r#"
        "quantity", default = 1 } ==> "quantity", default = -1 } ==> a whole number from 0
        "quantity", default = 1 } ==> "quantity", max = 1 }  ==> has no key `max`
        "key", max = 40 }     ==> "key", max = 0 }       ==> from 1 to 4096
        bookingKey = { type = "key", max = 40 } ==> # ==> this finds no order ==> bookingKey = { type = "key" }
        wish       = { type = "text", max = 500 } ==> k = { type = "key" } ==> another field of this type
        { type = "listing" }  ==> { type = "lines", listing = "room" } ==> needs `quantity`
        { type = "listing" }  ==> { type = "lines", listing = "a", quantity = "a" } ==> two names
        { type = "listing" }  ==> { type = "role" }      ==> cannot be of type `role`
        of = "delivery"       ==> of = "deliveries"      ==> nothing shows fields of
        of = "delivery"       ==> of = "payment"         ==> [payment] has no field `doorCode`
        from = "title"        ==> from = "titel"         ==> did you mean `title`?
        of = "listing", from = "title" ==> from = "title" ==> add whose
        of = "listing", from = "title" ==> of = "listing", from = "price" ==> expected type = "money"
        hidden = true         ==> hidden = 1             ==> must be true or false
        guestId    = { type = "text" } ==> guest = { type = "text" } ==> [order] has no field `guest`
        guestId    = { type = "text" } ==> guestId = { type = "integer" } ==> expected type = "text"
        price  = { type = "money" } ==> price = { type = "money", of = "order" } ==> a listing has many orders
        fee       = { type = "commission" } ==> fee = { type = "money" } ==> another field of this type
        "#,
    );
}

#[test]
fn mistakes_in_approvals_payouts_and_parties_are_found() {
    check_in(
        example(),
        r#"
        granted   = "Granted" ==> #                      ==> a word for `granted` ==> -2
        refused   = "Refused" ==> refuzed = "Refused"    ==> did you mean `refused`?
        path = "payouts"      ==> item = "payout"        ==> has no `path`
        commission = "10 %"   ==> #                      ==> needs `commission` ==> -2
        commission = "10 %"   ==> commission = "10"      ==> is not a commission
        commission = "10 %"   ==> commission = "100.01 %" ==> is not a commission
        commission = "10 %"   ==> commission = "1.005 %" ==> is not a commission
        after      = "7 d"    ==> after = "7 days"       ==> is not a time
        after      = "7 d"    ==> after = "d"            ==> is not a time
        after      = "7 d"    ==> after = "9999 d"       ==> ten years at most
        paid       = "Remitted" ==> #                    ==> a word for `paid` ==> -2
        field    = "userId"   ==> field = "userID"       ==> did you mean `userId`?
        customer = {          ==> custommer = {          ==> did you mean `customer`?
        field = "guestId", role ==> field = "guest", role ==> [order] has no such field
        field = "hostId", role ==> field = "hostid", role ==> did you mean `hostId`?
        role = "host"         ==> role = "guest"         ==> different names
        [delivery.parties]    ==> [delivery.party]       ==> say in [delivery.parties] ==> [delivery]
        "#,
    );
}

#[test]
fn mistakes_in_the_new_steps_are_found() {
    check_in(
        example(),
        r#"
        do   = "reserve"      ==> do = "reserv"          ==> did you mean `reserve`?
        do   = "reserve"      ==> do = "assign"          ==> needs `choose` ==> -1
        do   = "reserve"      ==> choose = "next"\ndo = "assign" ==> `choose` cannot be `next`
        do   = "reserve"      ==> choose = "nearest"\ndo = "assign" ==> [order] with type = "position" ==> 1
        do   = "reserve"      ==> choose = "first"\ndo = "reserve" ==> of the step `assign` only
        room       = { type = "listing" } ==> #          ==> "listing" or "lines" ==> do   = "reserve"
        mode = "sync"  ==> mode = "hold"                 ==> no mode `hold`
        mode = "sync"  ==> mode = "async"                ==> only a step with mode = "sync" ==> 1
        fallback = "accept"   ==> fallback = "acept"     ==> did you mean `accept`?
        by   = "person"       ==> by = "somebody"        ==> `by` cannot be `somebody`
        only_if = "wish"      ==> only_if = "wisch"      ==> did you mean `wish`?
        only_if = "wish"      ==> only_if = "price"      ==> has no such field
        only_if = "wish"      ==> only_if = "wish"\nunless = "wish" ==> not both ==> 1
        mode = "hold"         ==> mode = "holt"          ==> did you mean `hold`?
        mode = "hold"         ==> mode = "command"       ==> do = "order.pay" ==> -1
        held      =           ==> helt =                 ==> a word for `held` ==> -2
        do   = "pay"          ==> do = "approve"         ==> once at most
        do   = "pay"          ==> do = "payout"          ==> put it after a step
        do   = "pay"          ==> within_s = 60\ndo   = "pay" ==> how long a person is awaited
        within_s = 172800     ==> within_s = 0             ==> a whole number from 1 to 31536000
        for_s = 86400         ==> for_s = 0                ==> a whole number from 1 to 31536000
        approval = true       ==> approval = true\nwithin_s = 9 ==> only orders expire ==> 1
        "#,
    );
    let (before, after) = example().split_once("[[flow]]").unwrap();
    let (_, commands) = after.split_once("# ---- Which").unwrap();
    let last = "[[flow]]\ndo = \"approve\"\nmode = \"async\"\nby = \"flow\"\n";
    check_in(
        &format!("{before}{last}# ---- Which{commands}"),
        "do = \"approve\" ==> do = \"approve\" ==> it is the last",
    );
}

#[test]
fn mistakes_in_the_new_rules_are_found() {
    check_in(
        example(),
        r#"
        given = ["roomId"]    ==> given = ["room"]       ==> [approval] has no field `room`
        given = ["roomId"]    ==> given = ["roomId"]\nmissing = ["roomId"] ==> looked at twice ==> 1
        on = "DELETE approvals/{id}" ==> given = ["roomId"]\non = "DELETE approvals/{id}" ==> a DELETE has no fields
        by      = "owner"     ==> by = "ovner"           ==> did you mean `owner`?
        reply   = "nothing"   ==> reply = "none"         ==> expected one of `entity`, `nothing`
        to   = "Left"         ==> to = "Lefd"            ==> did you mean `Left`?
        do   = "order.cancel" ==> do = "order.cancel"\nto = "Left" ==> only `delivery.advance` ==> 1
        until = "Left"        ==> until = "Lefd"         ==> did you mean `Left`?
        to   = "Left"         ==> until = "Left"         ==> only `order.amend`, `order.pay`
        do = "listing.offer"  ==> do = "listing.amend"   ==> which listing?
        do = "listing.offer"  ==> do = "order.cancel"    ==> expected POST, PUT, PATCH, DELETE on the path of [order], [payment]
        roomId    = { type = "listing" } ==> #           ==> has no field `roomId` ==> given = ["roomId"]
        "POST approvals"      ==> "PUT approvals"        ==> expected `PUT approvals/{id}`
        "#,
    );
    check_in(
        example(),
        r#"
        do   = "payout"       ==> do = "pey"             ==> needs a [[flow]] with do = "payout" ==> do = "payout.pay"
        do = "approval.refuse" ==> do = "aproval.refuse" ==> did you mean `approval.refuse`?
        { status = "Left" }   ==> { status = "Lefd" }    ==> has no word `Lefd`
        "#,
    );
}

#[test]
fn mistakes_in_the_new_views_and_notices_are_found() {
    check_in(
        example(),
        r#"
        rows   = "listing"    ==> rows   = "listings"    ==> did you mean `listing`?
        rows   = "listing"    ==> rows   = "order"       ==> has no row here ==> 3
        history = true        ==> only = { state = "x" } ==> did you mean `status`?
        history = true        ==> only = { status = "x", door = "y" } ==> looks at one field
        { granted = "Admitted" } ==> { grantet = "Admitted" } ==> did you mean `granted`?
        { granted = "Admitted" } ==> "Admitted"          ==> must be a table
        price  = { type = "money" } ==> # ==> needs a field of [listing] with type = "money" ==> priced = true
        history = true        ==> history = "yes"        ==> must be true or false
        "$event" }            ==> "$events" }            ==> did you mean `$event`?
        on.order.held        = { set = ["status"] } ==> on.order.held = { set = { room = "$listing" } } ==> expected it of `placed`, `itemised`
        on.order.held        = { set = ["status"] } ==> on.order.held = { } ==> needs `set`
        door = "doorCode"     ==> door = "bookingId"     ==> the row's key
        put = { bookings = 0 } ==> put = { booking = 0 } ==> did you mean `bookings`?
        put = { bookings = 0 } ==> put = { bookings = true } ==> a whole number
        add = { bookings = 1 } ==> add = { bookings = "1" } ==> a whole number
        on.listing.opened   = { set = ["status"] } ==> on.listing.opened = { set = ["title"] } ==> does not carry `title`
        "order.confirmed"     ==> "order.confirm"        ==> did you mean `confirmed`?
        "order.confirmed"     ==> "bookings.confirmed"   ==> nothing has the event
        to   = "guestId"      ==> to = "guest"           ==> who is told
        {status} ({price}원)  ==> {state} ({price}원)    ==> nothing is known as `{state}`
        {status} ({price}원)  ==> {status ({price}원)    ==> nothing is known as
        {title}: {status}     ==> {title}: {status       ==> has no `}` after it
        {title}: {status}     ==> {guestId}: {status}    ==> nothing is known as `{guestId}`
        channels = ["mail"]   ==> channels = ["post"]    ==> there is no channel `post`
        channels = ["mail"]   ==> channels = ["mail"]\nchannel = "log" ==> say the same ==> 1
        channels = ["mail"]   ==> channels = ["kakao"]   ==> KakaoTalk needs `template` ==> [[notify]]
        mail     = "email"    ==> mail = "emial"         ==> did you mean `email`?
        mail     = "email"    ==> language = "frame"     ==> neither a language nor a field
        mail     = "email"    ==> text = { ko = "", en = "" } ==> [notices] has no key `text`
        subject  = {          ==> #                      ==> a mail needs `subject` ==> [[notify]]
        No. {number}          ==> No. {numbers}          ==> did you mean `number`?
        to   = "hostId"       ==> to = "hostId"\nchannel = "kakao"\ntemplate = "t"\nkakao = "fax" ==> who is told ==> 3
        to   = "hostId"       ==> channel = "mail"       ==> the channel `mail` needs an address ==> -2
        to   = "hostId"       ==> template = "012345678901234567890123456789012" ==> 1 to 32 characters
        to   = "hostId"       ==> language = "fr"        ==> neither a language nor a field
        en = "{title} is      ==> an = "{title} is       ==> needs `en` ==> 0
        "#,
    );
}
