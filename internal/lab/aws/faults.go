package aws

import (
	"encoding/xml"
	"fmt"
	"net/http"
)

// fault is an error answer of AWS.
type fault struct {
	code    string
	status  int
	message string
}

func (f *fault) Error() string { return f.code + ": " + f.message }

// The reasons for which a request is not authenticated. Each service has words
// of its own for them; these are those of STS and IAM.
var (
	faultNoSignature = &fault{"MissingAuthenticationToken", http.StatusForbidden, "Request is missing Authentication Token"}
	faultUnknownKey  = &fault{"InvalidClientTokenId", http.StatusForbidden, "The security token included in the request is invalid."}
	faultExpired     = &fault{"ExpiredToken", http.StatusForbidden, "The security token included in the request is expired"}
	faultSignature   = &fault{"SignatureDoesNotMatch", http.StatusForbidden,
		"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
)

func faultIncomplete(format string, args ...any) *fault {
	return &fault{"IncompleteSignature", http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func faultSkew(format string, args ...any) *fault {
	return &fault{"SignatureDoesNotMatch", http.StatusForbidden, fmt.Sprintf(format, args...)}
}

func faultDenied(format string, args ...any) *fault {
	return &fault{"AccessDenied", http.StatusForbidden, fmt.Sprintf(format, args...)}
}

// faultValidation is AWS's answer to a parameter out of its bounds.
func faultValidation(value, parameter, constraint string) *fault {
	return &fault{"ValidationError", http.StatusBadRequest, fmt.Sprintf(
		"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, parameter, constraint)}
}

// queryError is the error document of STS and IAM.
type queryError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// ec2Error is the error document of EC2.
type ec2Error struct {
	XMLName   xml.Name `xml:"Response"`
	Code      string   `xml:"Errors>Error>Code"`
	Message   string   `xml:"Errors>Error>Message"`
	RequestID string   `xml:"RequestID"`
}

// s3Error is the error document of S3.
type s3Error struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string   `xml:"Code"`
	Message   string   `xml:"Message"`
	RequestID string   `xml:"RequestId"`
	HostID    string   `xml:"HostId"`
}

// inEC2 words an authentication fault as EC2 does.
func (f *fault) inEC2() *fault {
	switch f {
	case faultUnknownKey, faultSignature:
		return &fault{"AuthFailure", http.StatusUnauthorized, "AWS was not able to validate the provided access credentials"}
	case faultExpired:
		return &fault{"RequestExpired", http.StatusBadRequest, "Request has expired."}
	default:
		return f
	}
}

// inS3 words an authentication fault as S3 does.
func (f *fault) inS3() *fault {
	switch f {
	case faultNoSignature:
		return &fault{"AccessDenied", http.StatusForbidden, "Access Denied"}
	case faultUnknownKey:
		return &fault{"InvalidAccessKeyId", http.StatusForbidden, "The AWS Access Key Id you provided does not exist in our records."}
	case faultExpired:
		return &fault{"ExpiredToken", http.StatusBadRequest, "The provided token has expired."}
	case faultSignature:
		return &fault{"SignatureDoesNotMatch", http.StatusForbidden,
			"The request signature we calculated does not match the signature you provided. Check your key and signing method."}
	default:
		return f
	}
}

func writeXML(w http.ResponseWriter, status int, document any) {
	body, err := xml.Marshal(document)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "%s%s", xml.Header, body)
}
